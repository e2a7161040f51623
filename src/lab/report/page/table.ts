import { type Markup, markup } from '../figures/markup.ts'

/** A cell that is a number stands to the right. */
export type Cell = string | Markup | { readonly number: string }

export interface Table {
  readonly caption: string
  /** Empty: the rows speak for themselves. */
  readonly columns: readonly Cell[]
  readonly rows: readonly (readonly Cell[])[]
}

/** The first cell of each row names it. */
export function tableOf({ caption, columns, rows }: Table): Markup {
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption><span>${caption}</span></caption>${columns.length === 0 ? null : markup`<thead><tr>${columns.map((cell) => cellOf(cell, 'col'))}</tr></thead>`}<tbody>${rows.map(
    (row) => markup`<tr>${row.map((cell, at) => cellOf(cell, at === 0 ? 'row' : null))}</tr>`,
  )}</tbody></table></div>`
}

function cellOf(cell: Cell, scope: 'col' | 'row' | null): Markup {
  const isNumber = typeof cell === 'object' && 'number' in cell
  const text = isNumber ? cell.number : cell
  if (scope === null)
    return isNumber ? markup`<td class="n">${text}</td>` : markup`<td>${text}</td>`
  return isNumber
    ? markup`<th scope="${scope}" class="n">${text}</th>`
    : markup`<th scope="${scope}">${text}</th>`
}

/** With words before numbers. */
export function numbers(...all: readonly string[]): Cell[] {
  return all.map((number) => ({ number }))
}
