import type { Cell, Column, ColumnType } from '../schema/columnTypes.ts'

type Convert = (cell: Cell) => unknown

/** From a cell to the value that Parquet stores; null: the cell is that value. */
export function physical(type: ColumnType): Convert | null {
  if (typeof type === 'object') {
    return type.kind === 'group' ? groupValue(type.fields) : listValue(type.item)
  }
  switch (type) {
    case 'int64':
    case 'uint64':
      return (cell) => BigInt(cell as number | bigint)
    case 'date':
      return (cell) => Date.parse(cell as string) / dayMs
    case 'uuid':
      return (cell) => Buffer.from((cell as string).replaceAll('-', ''), 'hex')
    default:
      return null
  }
}

const dayMs = 86_400_000

function groupValue(fields: readonly Column[]): Convert | null {
  const converts = fields.map(({ name, type }) => [name, physical(type)] as const)
  if (converts.every(([, convert]) => convert === null)) return null
  return (cell) => {
    const group: Record<string, unknown> = {}
    for (const [name, convert] of converts) {
      const field = (cell as { readonly [field: string]: Cell })[name] ?? null
      group[name] = convert === null || field === null ? field : convert(field)
    }
    return group
  }
}

function listValue({ type }: { readonly type: ColumnType }): Convert | null {
  const convert = physical(type)
  if (convert === null) return null
  return (cell) => (cell as readonly Cell[]).map((item) => (item === null ? null : convert(item)))
}

/** About how many bytes a cell takes beyond those of a flat number; null: none. */
export function extraLength(type: ColumnType): ((cell: Cell) => number) | null {
  if (type === 'string' || type === 'json') return (cell) => (cell as string).length
  if (typeof type === 'string') return null
  if (type.kind === 'list') {
    const inner = extraLength(type.item.type)
    return (cell) =>
      (cell as readonly Cell[]).reduce<number>((sum, item) => sum + 8 + size(item, inner), 0)
  }
  const fields = type.fields.map((field) => [field.name, extraLength(field.type)] as const)
  return (cell) =>
    fields.reduce(
      (sum, [name, inner]) =>
        sum + 8 + size((cell as { readonly [field: string]: Cell })[name] ?? null, inner),
      0,
    )
}

const size = (cell: Cell, inner: ((cell: Cell) => number) | null) =>
  cell === null || inner === null ? 0 : inner(cell)
