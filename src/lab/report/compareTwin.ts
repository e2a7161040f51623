import { comparePairs, type Pair, type Comparison as PairComparison } from '../statistics/pairs.ts'
import { type Spread, spreadOf } from '../statistics/spread.ts'
import type { TwinFigures } from '../twin/twinFigures.ts'
import { listed, showCount, showMs } from './amounts.ts'
import { columnName, timeOf } from './cell.ts'
import type { Report } from './types.ts'

/** A run of the raw client of a backend. */
export interface TwinRun {
  readonly scenario: string
  /** As `columnName` has it. */
  readonly subject: string
  readonly figures: TwinFigures
}

/** Narrowcast to the raw client: the ratio of neighbouring runs, in the middle. */
export interface TwinRatio extends Omit<PairComparison, 'ratios' | 'finding'> {
  readonly pairs: number
  readonly finding:
    | 'narrowcast is better'
    | 'the raw client is better'
    | 'no difference shown'
    | 'inconclusive'
}

/** All runs of the raw client of one backend in one scenario. */
export interface TwinComparison extends Pick<TwinRun, 'scenario' | 'subject'> {
  readonly runs: number
  readonly lost: Spread
  readonly repeated: Spread
  /** Null where a run was saturated, or too many were never answered. */
  readonly p50Ms: Spread | null
  readonly p99Ms: Spread | null
  readonly perSecond: Spread
  /** Null without a pair. */
  readonly p99Ratio: TwinRatio | null
  readonly perSecondRatio: TwinRatio | null
}

/** `reports`, `twins`: by time, as each backend and its raw client had their turns beside each other. */
export function twinsOf(reports: readonly Report[], twins: readonly TwinRun[]): TwinComparison[] {
  const all = Map.groupBy(twins, ({ scenario, subject }) => `${scenario} ${subject}`)
  return [...all.values()].map((runs) => {
    const { scenario, subject } = runs[0] as TwinRun
    const figures = runs.map((run) => run.figures)
    const own = reports.filter(
      ({ spec }) => spec.scenario === scenario && columnName(spec) === subject,
    )
    const ceilings = own.flatMap(({ instrument }) => instrument.ceilingPerSecond || [])
    return {
      ...{ scenario, subject, runs: runs.length },
      lost: spreadOf(figures.map(({ lost }) => lost)),
      repeated: spreadOf(figures.map(({ repeated }) => repeated)),
      p50Ms: spreadIfAll(figures.map(({ p50Ms }) => p50Ms)),
      p99Ms: spreadIfAll(figures.map(({ p99Ms }) => p99Ms)),
      perSecond: spreadOf(figures.map(({ perSecond }) => perSecond)),
      p99Ratio: ratioOf(
        pairsOf(
          own.map(timeOf),
          figures.map(({ p99Ms }) => p99Ms),
        ),
        'less',
        ceilings,
      ),
      perSecondRatio: ratioOf(
        pairsOf(
          own.map(({ throughput }) => throughput.delivered),
          figures.map(({ perSecond }) => perSecond),
        ),
        'more',
        ceilings,
      ),
    }
  })
}

function spreadIfAll(values: readonly (number | null)[]): Spread | null {
  return values.some((value) => value === null) ? null : spreadOf(values as number[])
}

/** What is null, or 0, has no ratio. */
function pairsOf(own: readonly (number | null)[], raw: readonly (number | null)[]): Pair[] {
  return own.flatMap((a, at) => {
    const b = raw[at]
    return a && b ? [{ a, b }] : []
  })
}

function ratioOf(
  pairs: readonly Pair[],
  better: 'more' | 'less',
  ceilings: readonly number[],
): TwinRatio | null {
  if (pairs.length === 0) return null
  const { finding, medianRatio, p } = comparePairs(pairs, better, [ceilings])
  const named = { 'a is better': 'narrowcast is better', 'b is better': 'the raw client is better' }
  const words = named[finding as keyof typeof named] ?? finding
  return { pairs: pairs.length, medianRatio, p, finding: words as TwinRatio['finding'] }
}

/** Two lines for each backend and scenario. */
export function twinText(twins: readonly TwinComparison[]): string[] {
  return twins.flatMap((twin) => {
    const { scenario, subject, lost, repeated, p50Ms, p99Ms, perSecond } = twin
    const measure = subject.endsWith(' broadcast') ? 'answered' : 'end-to-end'
    const counts = `lost ${showCount(lost.median)}, repeated ${showCount(repeated.median)}`
    const times =
      p50Ms === null || p99Ms === null
        ? 'saturated'
        : `${measure} p50 ${showMs(p50Ms.median)}, p99 ${showMs(p99Ms.median)}`
    return [
      `${scenario} on ${subject}, raw client, same settings: ${counts}, ${times}, ${showCount(perSecond.median)} a second`,
      `  narrowcast to it: ${listed([ratioText('p99', twin.p99Ratio), ratioText('throughput', twin.perSecondRatio)])}`,
    ]
  })
}

function ratioText(what: string, ratio: TwinRatio | null): string {
  if (ratio === null) return `${what} without a ratio`
  const { finding, medianRatio, pairs, p } = ratio
  const sure = finding.endsWith('is better') ? `, p = ${p.toFixed(3)}` : ''
  const of = pairs === 1 ? 'one pair' : `${pairs} pairs`
  return `${what} ${medianRatio.toFixed(2)} times (${of}: ${finding}${sure})`
}
