import { medianCoverage } from '../certainty.ts'
import type { Spread } from '../statistics/spread.ts'
import { countOf, listed, showCount, showMs, showShare } from './amounts.ts'
import type { Cell } from './cell.ts'
import type { Comparison } from './compare.ts'
import type { Finding } from './findings.ts'
import { guaranteeWords } from './guarantee.ts'

const legend = [
  'Above each: what is promised, and the worst that is survived',
  'In each: verdict  lost/reprocessed  end-to-end p99, or time until back',
]
const columnsMax = 80
const rule = ' │ '
const gap = '  '

/** A comparison for a terminal: columns by guarantee, divided by a rule; as many as fit beside each other. */
export function compareText(comparison: Comparison): string[] {
  const { findings } = comparison
  const rows = rowsOf(comparison)
  const label = Math.max(...rows.map(({ name }) => name.length))
  const blocks = inBlocks(groupsOf(comparison, rows), columnsMax - label - gap.length)
  const tables = blocks.map((groups) => tableOf(groups, rows, label))
  return [
    ...heading(comparison),
    ...tables.flatMap((lines, at) => (at === 0 ? lines : ['', ...lines])),
    ...findings.map(findingText),
    ...notes(comparison),
  ]
}

interface Row {
  readonly name: string
  readonly cells: Readonly<Record<string, Cell | null>>
  readonly words: (cell: Cell | null) => string
}

function rowsOf(comparison: Comparison): Row[] {
  const isRepeated = runsIn(comparison).some((runs) => runs > 1)
  return comparison.rows.flatMap(({ scenario, cells }) => [
    { name: scenario, cells, words: cellWords },
    ...(isRepeated ? [{ name: '  least to most', cells, words: spreadWords }] : []),
  ])
}

/** Columns of one guarantee beside each other, below its name. */
interface Group {
  readonly head: string
  /** Each with its own head. */
  readonly columns: readonly (readonly string[])[]
}

function groupsOf({ guarantees }: Comparison, rows: readonly Row[]): Group[] {
  return guarantees.map((guarantee) => ({
    head: guaranteeWords(guarantee),
    columns: guarantee.columns.map((name) => [
      name,
      ...rows.map(({ cells, words }) => words(cells[name] ?? null)),
    ]),
  }))
}

function inBlocks(groups: readonly Group[], room: number): Group[][] {
  const blocks: Group[][] = []
  for (const part of groups.flatMap((group) => partsOf(group, room))) {
    const block = blocks.at(-1) ?? []
    const wider = withPart(block, part)
    if (block.length > 0 && widthOf(wider) <= room) blocks[blocks.length - 1] = wider
    else blocks.push([part])
  }
  return blocks
}

/** A group that fits into a block stays whole: its columns are there to be held beside each other. */
function partsOf(group: Group, room: number): Group[] {
  if (groupWidth(group) <= room) return [group]
  return group.columns.map((column) => ({ ...group, columns: [column] }))
}

function withPart(block: readonly Group[], part: Group): Group[] {
  const last = block.at(-1)
  if (last?.head !== part.head) return [...block, part]
  return [...block.slice(0, -1), { ...part, columns: [...last.columns, ...part.columns] }]
}

function widthOf(block: readonly Group[]): number {
  const widths = block.map(groupWidth)
  return widths.reduce((sum, width) => sum + width, rule.length * (block.length - 1))
}

function groupWidth({ head, columns }: Group): number {
  const widths = columns.map(columnWidth)
  const whole = widths.reduce((sum, width) => sum + width, gap.length * (columns.length - 1))
  return Math.max(head.length, whole)
}

function columnWidth(column: readonly string[]): number {
  return Math.max(...column.map(({ length }) => length))
}

function tableOf(groups: readonly Group[], rows: readonly Row[], label: number): string[] {
  const line = (name: string, textOf: (group: Group) => string) => {
    const shown = groups.map((group) => textOf(group).padEnd(groupWidth(group)))
    return `${name.padEnd(label)}${gap}${shown.join(rule)}`.trimEnd()
  }
  const names = ['', ...rows.map(({ name }) => name)]
  return [
    line('', ({ head }) => head),
    ...names.map((name, row) =>
      line(name, ({ columns }) =>
        columns.map((one) => (one[row] as string).padEnd(columnWidth(one))).join(gap),
      ),
    ),
  ]
}

function heading(comparison: Comparison): string[] {
  const { seeds, isInterleaved } = comparison
  const runs = runsIn(comparison)
  const least = Math.min(...runs)
  const each =
    least === Math.max(...runs)
      ? `${countOf(least, 'run')} each`
      : `at least ${countOf(least, 'run')} each`
  const words = [
    each,
    ...(isInterleaved ? ['interleaved'] : []),
    `seed ${listed(seeds.map(String))}`,
  ]
  const coverage = showShare(medianCoverage(least))
  const held = `: medians, ${coverage} sure`
  return [`${words.join(', ')}${least === 1 ? '' : held}`, ...legend]
}

function runsIn({ rows }: Comparison): number[] {
  return rows.flatMap(({ cells }) => Object.values(cells).flatMap((cell) => cell?.runs ?? []))
}

function cellWords(cell: Cell | null): string {
  if (cell === null) return 'not run'
  const { status, lost, reprocessed } = cell
  const counts = `${showCount(lost.median)}/${showCount(reprocessed.median)}`
  return [status, counts, timeWords(cell), ...(isLossy(cell) ? ['!'] : [])].join(gap)
}

function timeWords({ ms, isSaturated }: Cell): string {
  if (isSaturated) return 'saturated'
  return ms === null ? 'never' : showMs(ms.median)
}

function spreadWords(cell: Cell | null): string {
  if (cell === null) return ''
  const { lost, reprocessed, ms } = cell
  const counts = `${range(lost, showCount)}/${range(reprocessed, showCount)}`
  return [counts, ...(ms === null ? [] : [range(ms, showMs)])].join(gap)
}

function range({ min, max }: Spread, show: (value: number) => string): string {
  const [from, to] = [show(min), show(max)]
  if (from === to) return from
  const [number = '', unit] = from.split(' ')
  return unit !== undefined && unit === to.split(' ')[1] ? `${number}–${to}` : `${from}–${to}`
}

function findingText({ scenario, a, b, finding, medianRatio, p }: Finding): string {
  const [faster, slower] = finding === 'a is better' ? [a, b] : [b, a]
  if (finding === 'inconclusive') {
    return `${scenario}: the machine changed meanwhile, so nothing is said of ${a} and ${b}.`
  }
  if (finding === 'no difference shown') return `${scenario}: no difference shown, ${a} and ${b}.`
  const ratio = Math.max(medianRatio, 1 / medianRatio).toFixed(2)
  return `${scenario}: ${faster} is faster than ${slower}, ${ratio} times in the middle (p = ${p.toFixed(3)}).`
}

function isLossy({ status, lost }: Cell): boolean {
  return status === 'KEPT' && lost.max > 0
}

function notes({ guarantees, rows }: Comparison): string[] {
  const lossy = guarantees
    .flatMap(({ columns }) => columns)
    .filter((name) => rows.some(({ cells }) => cells[name] && isLossy(cells[name])))
  const safer = lossy.filter((name) => name === 'redis-list' || name === 'redis-stream')
  const more = safer.map((name) => `${name}@safe`)
  const promise =
    more.length === 0 ? '' : `; ${listed(more)} promise${more.length === 1 ? 's' : ''} more`
  return [
    ...(lossy.length === 0 ? [] : [`! loses messages, as its contract allows${promise}.`]),
    ...(guarantees.length > 1 ? ['Columns of different guarantees are not ranked.'] : []),
  ]
}
