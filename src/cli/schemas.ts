import { flowSchemas } from './schemas/flow.ts'
import { labSchemas } from './schemas/lab.ts'
import { lookSchemas } from './schemas/look.ts'
import { otherSchemas } from './schemas/other.ts'
import { relaySchemas } from './schemas/relay.ts'
import { object, type Schema, type Shape } from './schemas/schema.ts'
import { simSchemas } from './schemas/sim.ts'
import { telemetrySchemas } from './schemas/telemetry.ts'

/** What stands on stdout with `--json`, by its `type`. Loaded by `help --schema` alone. */
const shapes: Readonly<Record<string, Shape>> = {
  ...flowSchemas,
  ...relaySchemas,
  ...lookSchemas,
  ...simSchemas,
  ...labSchemas,
  ...otherSchemas,
  ...telemetrySchemas,
}

export const outputTypes: readonly string[] = Object.keys(shapes).sort()

/**
 * The JSON Schema of one type; null for a type that nothing prints. Fields are only ever added,
 * so it allows more of them.
 */
export function schemaOf(type: string): Schema | null {
  const shape = Object.hasOwn(shapes, type) ? (shapes[type] as Shape) : null
  if (shape === null) return null
  const forms = shape.map((fields) => object({ v: { const: 1 }, type: { const: type }, ...fields }))
  const head = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: type }
  return forms.length === 1 ? { ...head, ...forms[0] } : { ...head, anyOf: forms }
}
