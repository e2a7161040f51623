import { cut, displayWidth, padEnd, padStart } from './displayWidth.ts'
import type { Paint } from './style.ts'
import { wrap } from './wrap.ts'

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json }

/** One column, from which text, wide, JSON, CSV and Markdown are all made. */
export interface Column<Row> {
  /** Name in JSON and CSV; durations end in `_ms`. */
  readonly name: string
  /** Heading in text. @default the name in capitals */
  readonly head?: string
  readonly value: (row: Row) => Json
  /** @default the value as text, `-` for null */
  readonly text?: (row: Row) => string
  /** Text of `-o wide`, where nothing is shortened. @default `text` */
  readonly wide?: (row: Row) => string
  /** @default right for numbers */
  readonly align?: 'left' | 'right'
  /** Where room is short, the text goes on in the next line instead of being cut. */
  readonly wraps?: boolean
  /** Columns to which the text may be cut or wrapped where room is short. */
  readonly widthMin?: number
  /** Where it still does not fit, columns go, the highest first. 0: stays. @default 0 */
  readonly goes?: number
  /** A row that needs the column: then it stays, as with `goes` 0. */
  readonly stays?: (row: Row) => boolean
  /** Only in `-o wide`, JSON, CSV and Markdown. */
  readonly onlyWide?: boolean
}

export interface TableLook {
  /** Infinity: nothing is cut. */
  readonly width: number
  readonly wide: boolean
  readonly paint: Paint
  readonly ellipsis: string
}

/** The lines of a table; a row's end has no blanks. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  look: TableLook,
): string[] {
  const shown = columns.filter((column) => look.wide || !column.onlyWide)
  const cells = shown.map((column) => rows.map((row) => cellText(column, row, look.wide)))
  const heads = shown.map((column) => column.head ?? column.name.toUpperCase())
  const natural = cells.map((texts, at) =>
    Math.max(displayWidth(heads[at] as string), ...texts.map(displayWidth)),
  )
  const widths = columnWidths(shown, rows, natural, look.width)
  const line = (texts: readonly string[]) => {
    const whole = texts
      .map((text, at) => ({ text, at, width: widths[at] as number }))
      .filter(({ width }) => width > 0)
      .map(({ text, at, width }) => {
        const short = cut(text, width, look.ellipsis)
        return isRight(shown[at] as Column<Row>, rows)
          ? padStart(short, width)
          : padEnd(short, width)
      })
      .join('  ')
      .trimEnd()
    return look.width === Infinity ? whole : cut(whole, look.width, look.ellipsis)
  }
  /** One line, or more where a column wraps. */
  const lines = (texts: readonly string[]) => {
    const parts = texts.map((text, at) =>
      shown[at]?.wraps && (widths[at] as number) > 0 ? wrap(text, widths[at] as number) : [text],
    )
    const height = Math.max(1, ...parts.map(({ length }) => length))
    return Array.from({ length: height }, (_, row) => line(parts.map((part) => part[row] ?? '')))
  }
  return [
    look.paint('bold', line(heads)),
    ...rows.flatMap((_, row) => lines(cells.map((texts) => texts[row] as string))),
  ]
}

/** The text of one cell. */
export function cellText<Row>(column: Column<Row>, row: Row, wide: boolean): string {
  const text = wide ? (column.wide ?? column.text) : column.text
  if (text) return text(row)
  const value = column.value(row)
  if (value === null) return '-'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function isRight<Row>(column: Column<Row>, rows: readonly Row[]): boolean {
  if (column.align) return column.align === 'right'
  return rows.some((row) => typeof column.value(row) === 'number')
}

/** Widths that fit: first columns shrink, always the one with most to spare, then columns go. */
function columnWidths<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  natural: readonly number[],
  width: number,
): number[] {
  const widths = [...natural]
  const total = () => {
    const kept = widths.filter((one) => one > 0)
    return kept.reduce((sum, one) => sum + one, 0) + 2 * Math.max(0, kept.length - 1)
  }
  const shrink = () => {
    while (total() > width) {
      const room = columns
        .map((column, at) => ({
          at,
          spare: (widths[at] as number) - (column.widthMin ?? Infinity),
        }))
        .filter(({ spare }) => spare > 0)
        .sort((a, b) => b.spare - a.spare)[0]
      if (!room) return
      widths[room.at] = (widths[room.at] as number) - 1
    }
  }
  const turns = columns.map(({ goes = 0, stays = () => false }) => (rows.some(stays) ? 0 : goes))
  shrink()
  while (total() > width) {
    const going = turns
      .map((goes, at) => ({ at, goes }))
      .filter(({ at, goes }) => goes > 0 && (widths[at] as number) > 0)
      .sort((a, b) => b.goes - a.goes)[0]
    if (!going) break
    const back = [...natural]
    widths[going.at] = 0
    for (const [at, one] of widths.entries()) if (one > 0) widths[at] = back[at] as number
    shrink()
  }
  return widths
}

/** RFC 4180, without a heading. */
export function csvLine(values: readonly Json[]): string {
  return values
    .map((value) => {
      const text =
        value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value)
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    })
    .join(',')
}

export function markdownLine(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
