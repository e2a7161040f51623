import type { Json } from '../output/table.ts'

/** A JSON Schema, as data. */
export type Schema = { readonly [word: string]: Json }

/** Fields of an object by name; a name that ends in `?` may be missing. */
export type Fields = Readonly<Record<string, Schema>>

/** Every form that an object of one type is printed in, without its `v` and `type`. */
export type Shape = readonly Fields[]

export const text: Schema = { type: 'string' }
export const yesNo: Schema = { type: 'boolean' }
export const number: Schema = { type: 'number' }
export const count: Schema = { type: 'integer', minimum: 0 }
/** Milliseconds; names of such fields end in `_ms`. */
export const ms: Schema = { type: 'number', minimum: 0 }
/** RFC 3339 in UTC. */
export const time: Schema = { type: 'string', format: 'date-time', pattern: 'Z$' }
/** Whatever a message held. */
export const anything: Schema = {}

export function oneOf(...words: readonly string[]): Schema {
  return { enum: words }
}

/** Null where there is none, or where the backend does not have it. */
export function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

export function many(items: Schema): Schema {
  return { type: 'array', items }
}

/** An object whose names are those of tables, headers or the like. */
export function named(values: Schema): Schema {
  return { type: 'object', additionalProperties: values }
}

export function object(fields: Fields): Schema {
  const names = Object.keys(fields)
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, schema]) => [name.replace('?', ''), schema]),
    ),
    required: names.filter((name) => !name.endsWith('?')),
  }
}

/** One object for the whole command, or one line of a stream. */
export function answer(fields: Fields): Shape {
  return [fields]
}

/** `items` in one object with `--json`, each item an object of its own with `-o ndjson`. */
export function list(item: Fields, beside: Fields = {}): Shape {
  return [{ items: many(object(item)), ...beside }, item]
}

/** What `--dry-run` prints instead. */
export const dryRun: Fields = { dry_run: { const: true }, would: text }

/** The answer of a command that changes something, and of its dry run. */
export function change(fields: Fields): Shape {
  const maybe = Object.entries(fields).map(([name, schema]) => [
    name.endsWith('?') ? name : `${name}?`,
    schema,
  ])
  return [fields, { ...dryRun, ...(Object.fromEntries(maybe) as Fields) }]
}
