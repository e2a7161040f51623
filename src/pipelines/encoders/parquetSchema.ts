import type { SchemaElement } from 'hyparquet-writer'
import type { Column, ColumnType, ScalarType, TableSchema } from '../schema/columnTypes.ts'

type Leaf = Omit<SchemaElement, 'name' | 'repetition_type'>

/**
 * Both annotations where both exist say the same; only the older one is written, which every
 * reader knows. A time with it is UTC by the format, and plain for readers without time zones.
 */
const leaves: Readonly<Record<ScalarType, Leaf>> = {
  boolean: { type: 'BOOLEAN' },
  int8: { type: 'INT32', converted_type: 'INT_8' },
  int16: { type: 'INT32', converted_type: 'INT_16' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  uint8: { type: 'INT32', converted_type: 'UINT_8' },
  uint16: { type: 'INT32', converted_type: 'UINT_16' },
  uint32: { type: 'INT32', converted_type: 'UINT_32' },
  uint64: { type: 'INT64', converted_type: 'UINT_64' },
  float32: { type: 'FLOAT' },
  float64: { type: 'DOUBLE' },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  uuid: { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } },
  timestamp: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  date: { type: 'INT32', converted_type: 'DATE' },
  json: { type: 'BYTE_ARRAY', converted_type: 'JSON' },
}

/** The schema of a file, in the order of depth first. */
export function schemaElements(table: TableSchema): SchemaElement[] {
  return [
    { name: 'root', num_children: table.columns.length },
    ...table.columns.flatMap(({ name, type, nullable }) => elements(name, type, nullable)),
  ]
}

function elements(name: string, type: ColumnType, nullable: boolean): SchemaElement[] {
  const repetition_type = nullable ? 'OPTIONAL' : 'REQUIRED'
  if (typeof type === 'string') return [{ name, repetition_type, ...leaves[type] }]
  if (type.kind === 'group') {
    return [
      { name, repetition_type, num_children: type.fields.length },
      ...type.fields.flatMap((field) => elements(field.name, field.type, field.nullable)),
    ]
  }
  return [
    { name, repetition_type, converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...elements('element', type.item.type, type.item.nullable),
  ]
}

/**
 * The schema to encode by. The package would parse and write again what it takes for JSON, and
 * round its integers; without the annotation our text passes as it is.
 */
export function encodingElements(schema: readonly SchemaElement[]): SchemaElement[] {
  return schema.map((element) => {
    if (element.converted_type !== 'JSON') return element
    const { converted_type: _, ...plain } = element
    return plain
  })
}

/** Bounds of JSON would be whole documents in the footer. */
export function holdsJson({ type }: Pick<Column, 'type'>): boolean {
  if (typeof type === 'string') return type === 'json'
  if (type.kind === 'list') return holdsJson(type.item)
  return type.fields.some(holdsJson)
}
