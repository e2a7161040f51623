import type { StandardSchemaV1 } from '@standard-schema/spec'
import { NarrowcastError } from '../core/errors.ts'
import { columnsOf } from './schema/columns.ts'
import type { Column, ScalarType, TableSchema } from './schema/columnTypes.ts'
import { checkTableName } from './schema/names.ts'
import { outputJsonSchema } from './schema/standardSchema.ts'

/** A table that rows can be emitted to. `R` is what `emit` takes: the input of its schema. */
export interface Table<R = unknown> extends TableSchema {
  readonly schema: StandardSchemaV1<R, unknown>
}

export interface TableOptions<S extends StandardSchemaV1> {
  /** Letters, digits and `_`; it becomes a folder. */
  readonly name: string
  /** The columns that together name a row, scalar and required. @default [] */
  readonly key?: readonly (keyof StandardSchemaV1.InferOutput<S> & string)[]
  /** Any Standard Schema that tells its JSON Schema and validates synchronously. */
  readonly schema: S
  /**
   * Column types by name, which win over what the schema suggests; a path names an inner one:
   * `{ rank: 'uint8', 'place.city': 'string', 'hits[].damage': 'uint64' }`.
   */
  readonly columns?: {
    readonly [path in keyof StandardSchemaV1.InferOutput<S> & string]?: ScalarType
  } & {
    readonly [path: `${string}.${string}` | `${string}[]${string}`]: ScalarType
  }
}

/**
 * Makes a table from the schema of its rows.
 * @throws INVALID_ARGUMENT: a name that is no folder or column name, a type that stays open, a key
 * that is no column, a schema that lets unnamed keys through.
 */
export function defineTable<const S extends StandardSchemaV1>(
  options: TableOptions<S>,
): Table<StandardSchemaV1.InferInput<S>> {
  const { name, key = [], schema, columns: named = {} } = options
  checkTableName(name)
  const who = `table ${name}`
  const columns = columnsOf(who, outputJsonSchema(who, schema), named)
  checkKey(who, key, columns)
  return {
    name,
    key: [...key],
    schema: schema as StandardSchemaV1<StandardSchemaV1.InferInput<S>, unknown>,
    columns,
  }
}

function checkKey(who: string, key: readonly string[], columns: readonly Column[]): void {
  for (const name of key) {
    const column = columns.find((one) => one.name === name)
    const wrong =
      column === undefined
        ? 'is no column'
        : typeof column.type === 'object' || column.type === 'json'
          ? 'holds more than one value'
          : column.nullable
            ? 'may be null'
            : null
    if (wrong) throw new NarrowcastError('INVALID_ARGUMENT', `${who}: key ${name} ${wrong}`)
  }
}

/** Where a row comes from: message id (null: it had none), place in the message, commit, time. */
const marks: readonly Column[] = [
  { name: '_id', type: 'string', nullable: true },
  { name: '_row', type: 'int32', nullable: false },
  { name: '_commit', type: 'string', nullable: false },
  { name: '_time', type: 'timestamp', nullable: false },
]

export const markNames: readonly string[] = marks.map(({ name }) => name)

/** The same table with the columns `_id, _row, _commit, _time` behind its own. */
export function withMarks(table: TableSchema): TableSchema {
  return { name: table.name, key: table.key, columns: [...table.columns, ...marks] }
}
