import type { Writable } from 'node:stream'
import type { Format } from './format.ts'
import type { Look } from './style.ts'
import { type Column, cellText, csvLine, type Json, markdownLine, tableLines } from './table.ts'
import { fold } from './wrap.ts'

export interface OutputSettings {
  readonly format: Format
  readonly quiet: boolean
  readonly verbose: boolean
  /** Columns of text on stdout; Infinity: nothing is cut. */
  readonly width: number
  readonly utc: boolean
  readonly stdout: Writable
  readonly stderr: Writable
  /** Looks are decided per stream. */
  readonly look: Look
  readonly lookOfStderr: Look
  readonly stderrIsTerminal: boolean
  /** Commands inside a text, as they must be typed for the backend in use. */
  readonly backend: (text: string) => string
}

/** What stdout gets for one object: its fields, and its lines for people. */
export interface Answer {
  readonly type: string
  readonly fields: Readonly<Record<string, Json>>
  /** Folded to the width. */
  readonly lines: () => readonly string[]
  /** Lines after them that no width breaks: data, which is copied as it is. */
  readonly data?: () => readonly string[]
  /** What stands for the fields with `-o md`. @default a table of them */
  readonly markdown?: () => string
}

/** What stdout gets for a list. `fields` stand beside the items in JSON. */
export interface Listing<Row> {
  readonly type: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly fields?: Readonly<Record<string, Json>>
  /** What stderr says when there are no rows. */
  readonly ifEmpty?: string
  /** Items in JSON, where they say more than the columns. */
  readonly item?: (row: Row) => Readonly<Record<string, Json>>
}

/** One line of a stream: NDJSON, CSV and Markdown from the columns, text from `line`. */
export interface StreamOf<Row> {
  write(row: Row): Promise<void>
}

/**
 * Everything that a command says. stdout is the answer, in the format that was asked for; stderr
 * is everything else. What a line shows of messages must have gone through `harmless`.
 */
export interface Output extends OutputSettings {
  answer(answer: Answer): Promise<void>
  list<Row>(listing: Listing<Row>): Promise<void>
  stream<Row>(
    type: string,
    columns: readonly Column<Row>[],
    line: (row: Row, wide: boolean) => string,
    item?: (row: Row) => Readonly<Record<string, Json>>,
  ): StreamOf<Row>
  /** One JSON object, whatever the type: for streams of mixed events. Only with JSON formats. */
  event(type: string, fields: Readonly<Record<string, Json>>): Promise<void>
  /** Raw data on stdout in text formats, nothing in the others. */
  data(text: string | Uint8Array): Promise<void>
  readonly isJson: boolean
  /** A line on stderr, unless quiet. */
  note(text: string): void
  /** The same, in yellow, with the sign for a warning. Also when quiet. */
  warn(text: string): void
  /** A line on stderr with --verbose. */
  detail(text: string): void
  /** The one obvious next step; on a terminal only. */
  next(text: string): void
}

export function makeOutput(settings: OutputSettings): Output {
  const { format, stdout, stderr, look, lookOfStderr, quiet } = settings
  const isJson = format === 'json' || format === 'ndjson'
  const wide = format === 'wide'
  const say = (text: string) => void stderr.write(`${text}\n`)
  const lines = (all: readonly string[]) => write(stdout, all.map((line) => `${line}\n`).join(''))
  const json = (type: string, fields: Readonly<Record<string, Json>>) =>
    lines([JSON.stringify({ v: 1, type, ...fields })])
  return {
    ...settings,
    isJson,
    async answer({ type, fields, lines: textLines, data = () => [], markdown }) {
      if (format === 'none') return
      if (isJson) return json(type, fields)
      if (format === 'csv')
        return lines([csvLine(Object.keys(fields)), csvLine(Object.values(fields))])
      if (format === 'md') {
        return markdown ? write(stdout, markdown()) : lines(fieldTable(fields))
      }
      const shown = wide ? textLines() : textLines().flatMap((line) => fold(line, settings.width))
      return lines([...shown, ...data()])
    },
    async list({ type, columns, rows, fields = {}, ifEmpty, item }) {
      const asItem = item ?? ((row) => itemOf(columns, row))
      if (format === 'none') return
      if (format === 'json') return json(type, { items: rows.map(asItem), ...fields })
      if (format === 'ndjson') {
        return lines(rows.map((row) => JSON.stringify({ v: 1, type, ...asItem(row) })))
      }
      if (format === 'csv' || format === 'md') return lines(delimited(format, columns, rows, true))
      if (rows.length === 0 && ifEmpty !== undefined) {
        if (!quiet) say(ifEmpty)
        return
      }
      const { width } = settings
      const table = {
        width: wide ? Infinity : width,
        wide,
        paint: look.paint,
        ellipsis: look.ellipsis,
      }
      return lines(tableLines(columns, rows, table))
    },
    stream(type, columns, line, item) {
      let isFirst = true
      return {
        async write(row) {
          if (format === 'none') return
          if (isJson) return json(type, item ? item(row) : itemOf(columns, row))
          if (format === 'csv' || format === 'md') {
            const out = delimited(format, columns, [row], isFirst)
            isFirst = false
            return lines(out)
          }
          return lines([line(row, wide)])
        },
      }
    },
    async event(type, fields) {
      if (isJson) await json(type, fields)
    },
    async data(text) {
      if (format === 'text' || format === 'wide') await write(stdout, text)
    },
    note: (text) => {
      if (!quiet) say(text)
    },
    warn: (text) => say(lookOfStderr.paint('yellow', `${lookOfStderr.warn} ${text}`)),
    detail: (text) => {
      if (settings.verbose) say(lookOfStderr.paint('dim', text))
    },
    next: (text) => {
      if (!quiet && !isJson && settings.stderrIsTerminal) {
        say(`${lookOfStderr.paint('bold', 'Next:')} ${settings.backend(text)}`)
      }
    },
  }
}

/** Lines of CSV or Markdown. Their names tell the unit, so a number is told in it. */
function delimited<Row>(
  format: Format,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  heads: boolean,
): string[] {
  const names = columns.map((column) => column.name)
  if (format === 'csv') {
    return [
      ...(heads ? [csvLine(names)] : []),
      ...rows.map((row) => csvLine(columns.map((column) => column.value(row)))),
    ]
  }
  return [
    ...(heads ? [markdownLine(names), markdownLine(names.map(() => '---'))] : []),
    ...rows.map((row) => markdownLine(columns.map((column) => markdownCell(column, row)))),
  ]
}

function markdownCell<Row>(column: Column<Row>, row: Row): string {
  const value = column.value(row)
  return typeof value === 'number' ? String(value) : cellText(column, row, true)
}

function itemOf<Row>(columns: readonly Column<Row>[], row: Row): Readonly<Record<string, Json>> {
  return Object.fromEntries(columns.map((column) => [column.name, column.value(row)]))
}

function fieldTable(fields: Readonly<Record<string, Json>>): string[] {
  const rows = Object.entries(fields).map(([name, value]) =>
    markdownLine([name, typeof value === 'object' ? JSON.stringify(value) : String(value)]),
  )
  return [markdownLine(['field', 'value']), markdownLine(['---', '---']), ...rows]
}

/** Writes and, where the reader is slower, waits until it has caught up. */
async function write(stream: Writable, text: string | Uint8Array): Promise<void> {
  if (text.length === 0 || stream.destroyed) return
  if (stream.write(text)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}
