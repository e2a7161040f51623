import { describe, expect, it } from 'vitest'
import { displayWidth } from './displayWidth.ts'
import { type Column, csvLine, markdownLine, tableLines } from './table.ts'

interface Row {
  readonly name: string
  readonly waiting: number | null
  readonly note: string
}

const rows: readonly Row[] = [
  { name: 'lib.server.lobby', waiting: 1_204, note: 'a long note that must give way first' },
  { name: 'combat.events.of.the.very.long.name', waiting: null, note: '日本語 🦸' },
]
const columns: readonly Column<Row>[] = [
  { name: 'channel', value: ({ name }) => name, widthMin: 12 },
  { name: 'waiting', value: ({ waiting }) => waiting },
  { name: 'extra', value: () => 'extra', goes: 2 },
  { name: 'note', value: ({ note }) => note, widthMin: 6, goes: 1 },
  { name: 'hidden', value: () => 'only wide', onlyWide: true },
]
const look = { wide: false, paint: (_: unknown, text: string) => text, ellipsis: '…' }

describe('tableLines', () => {
  it('aligns numbers to the right and leaves no blanks at the end', () => {
    expect(tableLines(columns.slice(0, 2), rows, { ...look, width: Infinity })).toEqual([
      'CHANNEL                              WAITING',
      'lib.server.lobby                        1204',
      'combat.events.of.the.very.long.name        -',
    ])
  })

  it.for(Array.from({ length: 161 }, (_, at) => at + 40))('fits %i columns', (width) => {
    const lines = tableLines(columns, rows, { ...look, width })
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width)
    expect(lines[0]).toMatch(/^CHANNEL +WAITING/)
  })

  it('cuts before it drops, and drops the least important column first', () => {
    const heads = (width: number) => tableLines(columns, rows, { ...look, width })[0]
    expect(heads(120)).toMatch(/CHANNEL +WAITING +EXTRA +NOTE/)
    expect(heads(41)).toMatch(/CHANNEL +WAITING +EXTRA +NOTE/)
    expect(heads(34)).toMatch(/CHANNEL +WAITING +NOTE/)
    expect(heads(22)).toMatch(/CHANNEL +WAITING$/)
  })

  it('cuts a cell within its own column', () => {
    const lines = tableLines(columns.slice(0, 2), rows, { ...look, width: 30 })
    expect(lines).toEqual([
      'CHANNEL                WAITING',
      'lib.server.lobby          1204',
      'combat.events.of.the…        -',
    ])
  })

  it('keeps a column that a row needs, whatever its turn', () => {
    const needed = columns.map((column) =>
      column.name === 'extra'
        ? { ...column, stays: ({ waiting }: Row) => waiting === null }
        : column,
    )
    const head = (some: readonly Row[]) => tableLines(needed, some, { ...look, width: 34 })[0]
    expect(head(rows)).toMatch(/CHANNEL +WAITING +EXTRA$/)
    expect(head(rows.slice(0, 1))).not.toMatch(/EXTRA/)
  })

  it('shrinks columns of the same length alike', () => {
    const pair = (['one', 'two'] as const).map(
      (name): Column<Row> => ({ name, value: ({ note }) => note, widthMin: 4, wraps: true }),
    )
    const [, line] = tableLines(pair, rows.slice(0, 1), { ...look, width: 42 })
    expect(line).toBe('a long note that      a long note that')
  })

  it('shows everything when wide', () => {
    const wide = tableLines(columns, rows, { ...look, wide: true, width: Infinity })
    expect(wide[0]).toContain('HIDDEN')
    expect(wide[1]).toContain('must give way first')
  })
})

describe('csv and markdown', () => {
  it('quotes what needs it', () => {
    expect(csvLine(['a', 'b,c', 'say "x"', 'two\nlines', null, 7, true, { n: 1 }])).toBe(
      'a,"b,c","say ""x""","two\nlines",,7,true,"{""n"":1}"',
    )
    expect(markdownLine(['a|b', 'two\nlines'])).toBe('| a\\|b | two lines |')
  })
})
