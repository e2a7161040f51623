import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Json } from '../../src/cli/output/table.ts'
import type { Schema } from '../../src/cli/schemas/schema.ts'
import { outputTypes, schemaOf } from '../../src/cli/schemas.ts'

const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const ajv = new Ajv2020({ allErrors: true, formats: { 'date-time': utc } })

/** The schemas as they are published allow more fields; here a field without a word is an error. */
const strict: ReadonlyMap<string, ValidateFunction> = new Map(
  outputTypes.map((type) => [type, ajv.compile(closed(schemaOf(type) as Schema) as object)]),
)

/** What is wrong with one object of stdout or stderr; empty where it keeps every promise. */
export function problemsOf(object: Record<string, unknown>): string[] {
  const validate = strict.get(String(object.type))
  if (!validate) return [`no schema for the type ${String(object.type)}`]
  validate(object)
  return [
    ...(validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, JSON.stringify(params)].join(' '),
    ),
    // They lie in the folder of a run, in the names that are promised there.
    ...(['lab.report', 'lab.message'].includes(String(object.type)) ? [] : odd(object)),
  ]
}

/** Times that are not RFC 3339 in UTC, durations that do not say their unit as `_ms`. */
function odd(value: unknown, path = ''): string[] {
  if (typeof value === 'string') {
    const isTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value)
    return isTime && !utc.test(value) ? [`${path} is a time of another form: ${value}`] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const at = `${path}/${name}`
    // The facts of a contract and the data of a message have names of their own.
    if (name === 'contract' || name === 'data' || name === 'schema') return []
    const isMs = typeof inner === 'number' && /(^|[a-z])Ms$|^ms$/.test(name)
    return [...(isMs ? [`${at} is a duration; its name should end in _ms`] : []), ...odd(inner, at)]
  })
}

function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, closed(value)]),
  )
  const isObject = 'properties' in schema && !('additionalProperties' in schema)
  return isObject ? { ...inner, additionalProperties: false } : inner
}
