/** What one cell may be. Named in `columns`, or in the schema's metadata under `parquet`. */
export const scalarTypes = [
  'boolean',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
  'string',
  'uuid',
  'timestamp',
  'date',
  'json',
] as const
export type ScalarType = (typeof scalarTypes)[number]

export type ColumnType =
  | ScalarType
  | { readonly kind: 'group'; readonly fields: readonly Column[] }
  | {
      readonly kind: 'list'
      readonly item: { readonly type: ColumnType; readonly nullable: boolean }
    }

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** A row may go without it: the cell is null. */
  readonly nullable: boolean
}

/** What encoders know of a table. */
export interface TableSchema {
  readonly name: string
  /** Names of the columns that together name a row; may be empty. */
  readonly key: readonly string[]
  /** In the order in which they are written. */
  readonly columns: readonly Column[]
}

/**
 * One row that a table's check let through: every column is there, in order, in one form only, so
 * that equal rows are equal text. null: nothing.
 *
 * | column | cell |
 * |---|---|
 * | boolean · string | as it is |
 * | int8 … uint32, float32, float64 | number, never -0 |
 * | int64, uint64 | number while it is a safe integer, else bigint |
 * | uuid | 36 characters, lower case |
 * | timestamp | number: ms since 1970, UTC |
 * | date | `YYYY-MM-DD` |
 * | json | its JSON text |
 * | group · list | plain object with every field · array |
 */
export type Row = Readonly<Record<string, Cell>>
export type Cell =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Cell[]
  | { readonly [field: string]: Cell }

/** `list<int32>`, `group<a string, b uint8?>`: for people and for comparing. */
export function typeName(type: ColumnType): string {
  if (typeof type === 'string') return type
  const optional = (nullable: boolean) => (nullable ? '?' : '')
  if (type.kind === 'list')
    return `list<${typeName(type.item.type)}${optional(type.item.nullable)}>`
  const fields = type.fields.map(
    (field) => `${field.name} ${typeName(field.type)}${optional(field.nullable)}`,
  )
  return `group<${fields.join(', ')}>`
}
