import { z } from 'zod'
import { scenarioSchema } from './scenario.ts'

type Node = z.core.JSONSchema.BaseSchema

/**
 * What may stand at this place of a scenario, by name. Where that hangs on a kind, `scenario` says
 * which one.
 */
export function knownKeys(path: readonly PropertyKey[], scenario: unknown): string[] {
  let [node, value]: [Node, unknown] = [z.toJSONSchema(scenarioSchema, { io: 'input' }), scenario]
  for (const step of path) {
    const { items, properties } = objectOf(node, value)
    node = (typeof step === 'number' ? items : properties?.[String(step)]) as Node
    value = (value as Readonly<Record<PropertyKey, unknown>>)[step]
  }
  return Object.keys(objectOf(node, value).properties ?? {})
}

/** Of several that it may be, the one that it is. */
function objectOf(node: Node, value: unknown): Node {
  const several = (node.oneOf ?? node.anyOf) as Node[] | undefined
  if (several === undefined) return node
  const { kind } = value as { kind?: unknown }
  const isIt = ({ properties }: Node) => {
    const { const: only, enum: kinds = [only] } = (properties?.kind ?? {}) as Node
    return (
      properties !== undefined &&
      (properties.kind === undefined || kinds.some((one) => one === kind))
    )
  }
  return several.find(isIt) ?? node
}
