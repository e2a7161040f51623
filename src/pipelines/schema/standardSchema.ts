import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { NarrowcastError } from '../../core/errors.ts'

/** The part of JSON Schema that decides about columns. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | JsonSchema
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema | false
  readonly prefixItems?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly $ref?: string
  /** Our keyword: the column type by name. */
  readonly parquet?: unknown
}

/** What a library cannot put into JSON Schema (bigint, Date) is to stay open instead of throwing. */
const openTypes = { unrepresentable: 'any' } as const
const libraryOptions: Readonly<Record<string, Record<string, unknown>>> = {
  valibot: { errorMode: 'ignore' },
}

/**
 * The JSON Schema of what a schema lets through.
 * @throws INVALID_ARGUMENT when the library cannot say.
 */
export function outputJsonSchema(who: string, schema: StandardSchemaV1): JsonSchema {
  const standard: unknown = (schema as Partial<StandardSchemaV1> | null | undefined)?.['~standard']
  if (typeof standard !== 'object' || standard === null || !('validate' in standard)) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `${who}: schema is no Standard Schema; expected for example z.object({ … })`,
    )
  }
  const { vendor, jsonSchema } = standard as StandardSchemaV1.Props &
    Partial<StandardJSONSchemaV1.Props>
  if (typeof jsonSchema?.output !== 'function') {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `${who}: the schema of ${vendor} does not tell its JSON Schema`,
      {
        hint: 'zod tells it from 4.2 on, arktype from 2.1.28 on; wrap a schema of valibot in toStandardJsonSchema of @valibot/to-json-schema',
      },
    )
  }
  try {
    return jsonSchema.output({
      target: 'draft-2020-12',
      libraryOptions: libraryOptions[vendor] ?? openTypes,
    }) as JsonSchema
  } catch (cause) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `${who}: ${vendor} cannot tell the JSON Schema: ${(cause as Error).message}`,
      { cause },
    )
  }
}
