import { medianCoverage } from '../certainty.ts'
import type { Spread } from '../statistics/spread.ts'
import { countOf, listed, showCount, showMs, showShare } from './amounts.ts'
import type { Cell } from './cell.ts'
import type { Comparison } from './compare.ts'
import type { Finding } from './findings.ts'
import { guaranteeWords } from './guarantee.ts'

/** From so many runs on a median is more than an indication. */
const rigorousRuns = 6
const rule = ' │ '
const gap = '  '

/** A comparison for a terminal: a block of columns for each guarantee, divided by a rule. */
export function compareText(comparison: Comparison): string[] {
  const { guarantees, rows } = comparison
  const isRepeated = runsIn(comparison).some((runs) => runs > 1)
  const lines = rows.flatMap(({ scenario, cells }) => {
    const all = guarantees.map(({ columns }) => columns.map((name) => cells[name] ?? null))
    const spreads = all.map((block) => block.map(spreadWords))
    return [
      { label: scenario, blocks: all.map((block) => block.map(cellWords)) },
      ...(isRepeated ? [{ label: '  least to most', blocks: spreads }] : []),
    ]
  })
  const label = Math.max(0, ...lines.map((line) => line.label.length))
  const widths = guarantees.map(({ columns }, block) =>
    columns.map((name, at) =>
      Math.max(name.length, ...lines.map((line) => line.blocks[block]?.[at]?.length ?? 0)),
    ),
  )
  const heads = guarantees.map(guaranteeWords)
  const line = (name: string, blocks: readonly (readonly string[])[]) => {
    const shown = blocks.map((block, at) => inBlock(block, widths[at] ?? [], heads[at] ?? ''))
    return `${name.padEnd(label)}${gap}${shown.join(rule)}`.trimEnd()
  }
  return [
    heading(comparison),
    line(
      '',
      heads.map((head) => [head]),
    ),
    line(
      '',
      guarantees.map(({ columns }) => columns),
    ),
    ...lines.map(({ label: name, blocks }) => line(name, blocks)),
    ...comparison.findings.map(findingText),
    ...notes(comparison),
  ]
}

/** As wide as its columns, or as what stands above them. */
function inBlock(texts: readonly string[], widths: readonly number[], head: string): string {
  const whole = widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1))
  const isHead = texts.length === 1 && texts[0] === head
  const shown = isHead ? head : texts.map((text, at) => text.padEnd(widths[at] ?? 0)).join(gap)
  return shown.padEnd(Math.max(whole, head.length))
}

function heading(comparison: Comparison): string {
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
  const certainty =
    least >= rigorousRuns ? `medians (${coverage})` : `medians, indicative (${coverage})`
  const what = 'verdict  lost/reprocessed  end-to-end p99, or time until back'
  return `${words.join(', ')}      ${what}${least === 1 ? ', of one run' : `: ${certainty}`}`
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
