import type { Cell, Column, ColumnType, Row } from '../schema/columnTypes.ts'

type Write = (cell: Cell) => string

/**
 * Makes the function that writes a row as one JSON object, without the end of the line. Text is
 * joined cell by cell: a 64-bit integer becomes plain digits, and a json cell travels as it is,
 * where JSON.stringify would take it for a string and JSON.rawJSON refuses objects.
 */
export function jsonLine(columns: readonly Column[]): (row: Row) => string {
  return groupText(columns)
}

function groupText(columns: readonly Column[]): (group: Row) => string {
  const writes = columns.map(
    ({ name, type, nullable }, at) =>
      [name, nullable, `${at === 0 ? '' : ','}"${name}":`, cellText(type)] as const,
  )
  return (group) => {
    let text = '{'
    for (const [name, nullable, before, write] of writes) {
      const cell = group[name] ?? null
      if (cell === null && !nullable) throw new TypeError(`column ${name} is required`)
      text += before
      text += cell === null ? 'null' : write(cell)
    }
    return `${text}}`
  }
}

function cellText(type: ColumnType): Write {
  if (typeof type === 'object') {
    if (type.kind === 'group') return groupText(type.fields) as Write
    const item = cellText(type.item.type)
    return (cell) => {
      const items = (cell as readonly Cell[]).map((one) => (one === null ? 'null' : item(one)))
      return `[${items.join(',')}]`
    }
  }
  switch (type) {
    case 'string':
      return JSON.stringify
    case 'uuid':
    case 'date':
      return (cell) => `"${cell as string}"`
    case 'timestamp':
      return (cell) => `"${new Date(cell as number).toISOString()}"`
    default:
      return String
  }
}
