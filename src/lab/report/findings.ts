import { comparePairs, type Comparison as PairComparison } from '../statistics/pairs.ts'
import { columnName, timeOf } from './cell.ts'
import type { Report } from './types.ts'

/** What the times of two subjects say of each other, in one scenario. */
export interface Finding extends Omit<PairComparison, 'ratios'> {
  readonly scenario: string
  readonly a: string
  readonly b: string
}

/** So few show nothing; nobody is bothered with that. */
const runsMin = 6

/**
 * Of every two of `columns`, in every scenario that both have run often enough. `byTime`: neighbours
 * have had the same weather.
 */
export function findingsOf(byTime: readonly Report[], columns: readonly string[]): Finding[] {
  const scenarios = Map.groupBy(byTime, ({ spec }) => spec.scenario)
  return [...scenarios].flatMap(([scenario, reports]) =>
    columns.flatMap((a, at) =>
      columns.slice(at + 1).flatMap((b) => findingOf(scenario, reports, a, b)),
    ),
  )
}

function findingOf(scenario: string, reports: readonly Report[], a: string, b: string): Finding[] {
  const timesOf = (name: string) =>
    reports.filter(({ spec }) => columnName(spec) === name).map(timeOf)
  const ofB = timesOf(b)
  const pairs = timesOf(a).flatMap((one, at) => {
    const other = ofB[at]
    return one && other ? [{ a: one, b: other }] : []
  })
  if (pairs.length < runsMin) return []
  const ceilings = reports.flatMap(({ instrument }) => instrument.ceilingPerSecond || [])
  const { finding, medianRatio, p } = comparePairs(pairs, 'less', [ceilings])
  return [{ scenario, a, b, finding, medianRatio, p }]
}
