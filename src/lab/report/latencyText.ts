import type { Percentiles } from '../percentiles.ts'
import { showMs, showShare } from './amounts.ts'
import type { Report } from './types.ts'

/**
 * `p50 1.9 ms  p99 38 ms  p99.9 2.12 s  max 2.20 s`. What never came waited longer than the
 * run: such a percentile says so, and how much of it there was, the warm-up left out.
 */
export function showPercentiles(percentiles: Percentiles, report: Report): string {
  const { p50, p99, p999, max, unanswered, count } = percentiles
  if (count === 0) return 'nothing was measured'
  const shown = [
    ['p50', p50],
    ['p99', p99],
    ['p99.9', p999],
    ['max', unanswered > 0 ? null : max],
  ] as const
  const never = `(${showShare(unanswered / count)} never, after the warm-up)`
  const firstOver = shown.findIndex(([, ms]) => ms === null)
  return shown
    .map(([name, ms], at) => {
      if (ms !== null) return `${name} ${showMs(ms)}`
      return `${name} > ${showMs(runMs(report))}${at === firstOver ? ` ${never}` : ''}`
    })
    .join('  ')
}

/** One percentile for a table: `38 ms`, `> 30 s (2.1 % never)`. */
export function showPercentile(
  { count, unanswered }: Percentiles,
  ms: number | null,
  report: Report,
): string {
  if (ms !== null) return showMs(ms)
  if (count === 0) return '-'
  return `> ${showMs(runMs(report))} (${showShare(unanswered / count)} never)`
}

/** From time zero until the last that was seen. */
function runMs({ throughput }: Report): number {
  return throughput.series.length * 1_000
}
