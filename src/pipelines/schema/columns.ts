import { NarrowcastError } from '../../core/errors.ts'
import {
  type Column,
  type ColumnType,
  type ScalarType,
  scalarTypes,
  typeName,
} from './columnTypes.ts'
import { checkColumnName } from './names.ts'
import type { JsonSchema } from './standardSchema.ts'

/** A type and whether null is one of its values. */
type Found = { readonly type: ColumnType; readonly nullable: boolean }

/**
 * The columns of a table, from the JSON Schema of its rows. `named` wins over what the schema
 * suggests; its names are paths: `rank`, `place.city`, `hits[].damage`.
 * @throws INVALID_ARGUMENT for an open type without a name, or a name without a column.
 */
export function columnsOf(
  who: string,
  schema: JsonSchema,
  named: Readonly<Record<string, unknown>>,
): readonly Column[] {
  const reading = new Reading(who, schema, named)
  const columns = reading.fields(reading.resolve(schema), '')
  if (columns.length === 0) throw fault(who, 'the schema is no object with properties')
  for (const path of Object.keys(named)) {
    if (reading.used.has(path)) continue
    throw fault(who, `columns names ${JSON.stringify(path)}, which is no column of the schema`)
  }
  return columns
}

function fault(who: string, text: string, hint?: string): NarrowcastError {
  return new NarrowcastError('INVALID_ARGUMENT', `${who}: ${text}`, hint ? { hint } : {})
}

class Reading {
  readonly used = new Set<string>()
  readonly #who: string
  readonly #root: JsonSchema
  readonly #named: Readonly<Record<string, unknown>>
  /** References on the way from the root, to find a schema that holds itself. */
  readonly #open = new Set<string>()

  constructor(who: string, root: JsonSchema, named: Readonly<Record<string, unknown>>) {
    this.#who = who
    this.#root = root
    this.#named = named
  }

  fields(schema: JsonSchema, path: string): readonly Column[] {
    const { properties, required, open } = joined(schema, (part) => this.resolve(part))
    if (open && path === '') {
      throw fault(
        this.#who,
        'the schema lets keys through that have no column',
        'use a schema that names every key, for example z.object instead of z.looseObject',
      )
    }
    const seen = new Map<string, string>()
    return Object.entries(properties).map(([name, property]) => {
      checkColumnName(this.#who, path, name, seen)
      const found = this.column(property, path === '' ? name : `${path}.${name}`)
      return { name, type: found.type, nullable: found.nullable || !required.has(name) }
    })
  }

  column(schema: JsonSchema, path: string): Found {
    const name = this.#name(schema, path)
    if (name !== null) return { type: name, nullable: this.#takesNull(schema, name) }
    const reference = schema.$ref
    if (reference === undefined) return this.#byForm(schema, path)
    if (this.#open.has(reference)) return { type: 'json', nullable: false }
    this.#open.add(reference)
    const found = this.column(this.resolve(schema), path)
    this.#open.delete(reference)
    return found
  }

  resolve(schema: JsonSchema): JsonSchema {
    if (schema.$ref === undefined) return schema
    let at: unknown = this.#root
    for (const step of schema.$ref.split('/').slice(1)) {
      const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
      at = (at as Record<string, unknown> | undefined)?.[key]
    }
    if (typeof at === 'object' && at !== null) return at as JsonSchema
    throw fault(this.#who, `the schema refers to ${schema.$ref}, which it does not hold`)
  }

  #name(schema: JsonSchema, path: string): ScalarType | null {
    const isNamed = Object.hasOwn(this.#named, path)
    if (isNamed) this.used.add(path)
    const name = isNamed ? this.#named[path] : schema.parquet
    if (name === undefined) return null
    if ((scalarTypes as readonly unknown[]).includes(name)) return name as ScalarType
    throw fault(
      this.#who,
      `column ${path} is named ${JSON.stringify(name)}; expected one of ${scalarTypes.join(', ')}`,
    )
  }

  /** An open schema says nothing of null: JSON has one, and whoever names another type means it. */
  #takesNull(schema: JsonSchema, name: ScalarType): boolean {
    const whole = this.resolve(schema)
    const branches = alternatives(whole)
    if (branches === null) return isOpen(whole) && name === 'json'
    return branches.some((branch) => isNull(branch) || this.#takesNull(branch, name))
  }

  #byForm(schema: JsonSchema, path: string): Found {
    const branches = alternatives(schema)
    if (branches === null) return { type: this.#plain(schema, path), nullable: false }
    const rest = branches.filter((branch) => !isNull(branch))
    const hasNull = rest.length < branches.length
    const found = rest.map((branch) => this.column(branch, path))
    const [first] = found
    if (first === undefined) return { type: 'json', nullable: true }
    const nullable = hasNull || found.some((one) => one.nullable)
    const isOne = found.every((one) => typeName(one.type) === typeName(first.type))
    return { type: isOne ? first.type : 'json', nullable }
  }

  #plain(schema: JsonSchema, path: string): ColumnType {
    const values = schema.const !== undefined ? [schema.const] : schema.enum
    if (values) return ofValues(values)
    switch (schema.type) {
      case 'integer':
        return integerType(schema)
      case 'number':
        return 'float64'
      case 'boolean':
        return 'boolean'
      case 'string':
        return stringType(schema)
      case 'array':
        return this.#list(schema, path)
      default:
        if (schema.type === 'object' || schema.properties || schema.allOf) {
          return this.#group(schema, path)
        }
    }
    throw fault(
      this.#who,
      `column ${path} has an open type`,
      `name it: columns: { ${JSON.stringify(path)}: 'json' }, or one of ${scalarTypes.join(', ')}`,
    )
  }

  #list(schema: JsonSchema, path: string): ColumnType {
    if (schema.prefixItems || !schema.items) return 'json'
    return { kind: 'list', item: this.column(schema.items, `${path}[]`) }
  }

  #group(schema: JsonSchema, path: string): ColumnType {
    const { properties, open } = joined(schema, (part) => this.resolve(part))
    if (open || Object.keys(properties).length === 0) return 'json'
    return { kind: 'group', fields: this.fields(schema, path) }
  }
}

/** Properties of an object and of everything in its `allOf`. */
function joined(
  schema: JsonSchema,
  resolve: (schema: JsonSchema) => JsonSchema,
): { properties: Record<string, JsonSchema>; required: Set<string>; open: boolean } {
  const properties: Record<string, JsonSchema> = { ...schema.properties }
  const required = new Set(schema.required)
  const rest = schema.additionalProperties
  let open = rest === true || typeof rest === 'object' || schema.patternProperties !== undefined
  for (const part of schema.allOf ?? []) {
    const inner = joined(resolve(part), resolve)
    for (const [name, property] of Object.entries(inner.properties)) {
      properties[name] =
        name in properties ? { allOf: [properties[name] as JsonSchema, property] } : property
    }
    for (const name of inner.required) required.add(name)
    open ||= inner.open
  }
  return { properties, required, open }
}

/** The branches of a union, or null for a schema of one form. */
function alternatives(schema: JsonSchema): readonly JsonSchema[] | null {
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) return branches
  if (typeof schema.type === 'object') return schema.type.map((type) => ({ ...schema, type }))
  if (isNull(schema)) return [schema]
  if (!schema.enum?.includes(null)) return null
  return [{ ...schema, enum: schema.enum.filter((value) => value !== null) }, { type: 'null' }]
}

const isNull = (schema: JsonSchema) =>
  schema.type === 'null' || ('const' in schema && schema.const === null)

function isOpen(schema: JsonSchema): boolean {
  const { type, properties, allOf, enum: values } = schema
  return !type && !properties && !allOf && !values && !('const' in schema)
}

function ofValues(values: readonly unknown[]): ColumnType {
  if (values.every((value) => typeof value === 'string')) return 'string'
  if (values.every((value) => typeof value === 'boolean')) return 'boolean'
  if (!values.every((value) => typeof value === 'number')) return 'json'
  if (!values.every((value) => Number.isSafeInteger(value))) return 'float64'
  return integerType({ minimum: Math.min(...values), maximum: Math.max(...values) })
}

function stringType({ format }: JsonSchema): ColumnType {
  if (format === 'date-time') return 'timestamp'
  return format === 'date' ? 'date' : 'string'
}

const widths: readonly (readonly [ScalarType, number, number])[] = [
  ['uint8', 0, 0xff],
  ['uint16', 0, 0xffff],
  ['uint32', 0, 0xffff_ffff],
  ['int8', -0x80, 0x7f],
  ['int16', -0x8000, 0x7fff],
  ['int32', -0x8000_0000, 0x7fff_ffff],
]

function integerType(schema: JsonSchema): ColumnType {
  const min = Math.max(schema.minimum ?? -Infinity, above(schema.exclusiveMinimum, 1))
  const max = Math.min(schema.maximum ?? Infinity, -above(negative(schema.exclusiveMaximum), 1))
  return widths.find(([, from, to]) => min >= from && max <= to)?.[0] ?? 'int64'
}

const negative = (limit: number | undefined) => (limit === undefined ? undefined : -limit)
const above = (limit: number | undefined, by: number) =>
  limit === undefined ? -Infinity : Math.floor(limit) + by
