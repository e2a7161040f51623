import type { Column, Row } from '../schema/columnTypes.ts'
import type { ColumnStats } from './encoder.ts'

type Bound = number | bigint | string

/** Counts nulls and keeps bounds, see ColumnStats. */
export function statsOf(columns: readonly Column[]): {
  add(rows: readonly Row[]): void
  result(): ColumnStats[]
} {
  const kept = columns.map(({ name, type, nullable }) => ({
    name,
    nullable,
    isOrdered: isOrdered(type),
    nulls: 0,
    min: null as Bound | null,
    max: null as Bound | null,
  }))
  return {
    add(rows) {
      for (const column of kept) {
        const { name, nullable, isOrdered } = column
        if (!nullable && !isOrdered) continue
        let { nulls, min, max } = column
        for (const row of rows) {
          const cell = row[name]
          if (cell === null || cell === undefined) nulls++
          else if (isOrdered) {
            if (min === null || (cell as Bound) < min) min = cell as Bound
            if (max === null || (cell as Bound) > max) max = cell as Bound
          }
        }
        Object.assign(column, { nulls, min, max })
      }
    },
    result: () =>
      kept.map(({ name, nulls, min, max }) => ({ name, nulls, min: plain(min), max: plain(max) })),
  }
}

const plain = (bound: Bound | null) => (typeof bound === 'bigint' ? String(bound) : bound)

function isOrdered(type: Column['type']): boolean {
  if (typeof type === 'object') return false
  return !['boolean', 'string', 'uuid', 'json'].includes(type)
}
