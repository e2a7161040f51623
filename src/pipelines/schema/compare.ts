import { type Column, typeName } from './columnTypes.ts'

/**
 * What a table's columns are to those that its files already have. same: also where columns only
 * stand in another order. extended: old and new files can be read as one, absent cells as null.
 * changed: they cannot; the table goes on in a new folder.
 */
export type Comparison =
  | { readonly state: 'same' | 'extended' }
  | { readonly state: 'changed'; readonly what: readonly string[] }

/** A new optional column and a column that may now be null extend; all else is a change. */
export function compareColumns(before: readonly Column[], now: readonly Column[]): Comparison {
  const known = new Map(before.map((column) => [column.name, column]))
  const what: string[] = []
  let isExtended = false
  for (const column of now) {
    const old = known.get(column.name)
    known.delete(column.name)
    if (old === undefined) {
      if (!column.nullable) what.push(`${column.name} is new and required`)
      isExtended = true
    } else if (typeName(old.type) !== typeName(column.type)) {
      what.push(`${column.name} was ${typeName(old.type)}, is ${typeName(column.type)}`)
    } else if (old.nullable !== column.nullable) {
      if (old.nullable) what.push(`${column.name} was optional, is required`)
      isExtended = true
    }
  }
  for (const name of known.keys()) what.push(`${name} is gone`)
  if (what.length > 0) return { state: 'changed', what }
  return { state: isExtended ? 'extended' : 'same' }
}
