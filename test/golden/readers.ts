import { DuckDBInstance } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import type {
  Cell,
  Column,
  ColumnType,
  Row,
  TableSchema,
} from '../../src/pipelines/schema/columnTypes.ts'

/** Reads a file back into rows in the form that was written, by the table's columns. */
export type Reader = (path: string, table: TableSchema) => Promise<Row[]>

/** What a reader makes of one scalar. */
type Undo = (type: ColumnType, value: unknown) => Cell

export async function duckDbParquet(path: string, table: TableSchema): Promise<Row[]> {
  return (await query(`select * from read_parquet('${path}')`)).map(rowBy(table, undoDuckDb))
}

/** The types are told, as a reader of NDJSON has to. */
export async function duckDbNdjson(path: string, table: TableSchema): Promise<Row[]> {
  const columns = table.columns.map((one) => `"${one.name}": '${duckDbType(one.type)}'`).join(', ')
  const rows = await query(
    `select * from read_json('${path}', format = 'newline_delimited', columns = {${columns}})`,
  )
  return rows.map(rowBy(table, undoDuckDbNdjson))
}

export async function hyparquet(path: string, table: TableSchema): Promise<Row[]> {
  const file = await asyncBufferFromFile(path)
  const rows = await parquetReadObjects({ file, compressors })
  return rows.map(rowBy(table, undoHyparquet))
}

/** Types as DuckDB finds them in a Parquet file, by column. */
export async function duckDbTypes(path: string): Promise<Record<string, string>> {
  const rows = await query(`describe select * from read_parquet('${path}')`)
  return Object.fromEntries(rows.map((row) => [row.column_name, row.column_type]))
}

export function duckDbType(type: ColumnType): string {
  if (typeof type === 'string') return duckDbTypeNames[type] ?? ''
  if (type.kind === 'list') return `${duckDbType(type.item.type)}[]`
  return `STRUCT(${type.fields.map((field) => `"${field.name}" ${duckDbType(field.type)}`).join(', ')})`
}

const duckDbTypeNames: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int8: 'TINYINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'UTINYINT',
  uint16: 'USMALLINT',
  uint32: 'UINTEGER',
  uint64: 'UBIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  string: 'VARCHAR',
  uuid: 'UUID',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  json: 'JSON',
}

export async function query(sql: string): Promise<Record<string, unknown>[]> {
  const database = await DuckDBInstance.create()
  const connection = await database.connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

const rowBy = (table: TableSchema, undo: Undo) => (row: Record<string, unknown>) =>
  group(table.columns, row, undo)

function group(columns: readonly Column[], value: Record<string, unknown>, undo: Undo): Row {
  return Object.fromEntries(columns.map(({ name, type }) => [name, cell(type, value[name], undo)]))
}

function cell(type: ColumnType, value: unknown, undo: Undo): Cell {
  if (value === null || value === undefined) return null
  if (typeof type === 'string') return undo(type, value)
  if (type.kind === 'group') return group(type.fields, value as Record<string, unknown>, undo)
  return (value as unknown[]).map((item) => cell(type.item.type, item, undo))
}

const wide = (value: bigint): Cell => (Number.isSafeInteger(Number(value)) ? Number(value) : value)

function undoDuckDb(type: ColumnType, value: unknown): Cell {
  if (type === 'int64' || type === 'uint64') return wide(BigInt(value as string))
  if (type === 'timestamp') return Date.parse(`${String(value).replace(' ', 'T')}Z`)
  return value as Cell
}

/** It writes numbers inside of JSON in another way: 1e300 for 1e+300. */
function undoDuckDbNdjson(type: ColumnType, value: unknown): Cell {
  if (type === 'json') return JSON.stringify(JSON.parse(value as string))
  return undoDuckDb(type, value)
}

function undoHyparquet(type: ColumnType, value: unknown): Cell {
  if (type === 'int64' || type === 'uint64') return wide(value as bigint)
  if (type === 'timestamp') return (value as Date).getTime()
  if (type === 'date') return (value as Date).toISOString().slice(0, 10)
  return (type === 'json' ? JSON.stringify(value) : value) as Cell
}
