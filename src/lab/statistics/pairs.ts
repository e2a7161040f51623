import { median } from './median.ts'

/** What two subjects came to in neighbouring runs, which had the same weather. */
export interface Pair {
  readonly a: number
  readonly b: number
}

export interface Comparison {
  /** inconclusive: the machine itself was not the same throughout. */
  readonly finding: 'a is better' | 'b is better' | 'no difference shown' | 'inconclusive'
  /** Of a to b, in the order of the pairs. */
  readonly ratios: readonly number[]
  readonly medianRatio: number
  /** How often so many pairs all point one way where there is no difference. */
  readonly p: number
}

const pMax = 0.05
/** A smaller difference is none that anybody would notice. */
const ratioMin = 1.05
const driftRatioMax = 1.1

/**
 * Whether one of two is better: all pairs say so, they are six at least, and the ratio in the middle
 * is more than 5 %. `better`: rates are better when they are more, times when they are less.
 * `controls`: what one and the same control came to within each block of runs.
 * @throws RangeError without pairs, or of a value that is not above 0.
 */
export function comparePairs(
  pairs: readonly Pair[],
  better: 'more' | 'less',
  controls: readonly (readonly number[])[],
): Comparison {
  const logs = pairs.map(({ a, b }) => Math.log(positive(a)) - Math.log(positive(b)))
  if (logs.length === 0) throw new RangeError('a comparison is of one pair at least')
  const p = 2 * 0.5 ** logs.length
  const middle = median(logs) // of logarithms: a to b and b to a say the same
  return {
    finding: controls.some(hasDrifted) ? 'inconclusive' : findingOf(logs, p, middle, better),
    ratios: logs.map(Math.exp),
    medianRatio: Math.exp(middle),
    p,
  }
}

function findingOf(
  logs: readonly number[],
  p: number,
  middle: number,
  better: 'more' | 'less',
): Comparison['finding'] {
  const isOneSided = logs.every((log) => log > 0) || logs.every((log) => log < 0)
  if (!isOneSided || p > pMax || Math.abs(middle) <= Math.log(ratioMin))
    return 'no difference shown'
  return middle > 0 === (better === 'more') ? 'a is better' : 'b is better'
}

/**
 * The same thing measured again came to something else: of its first, its second and its last third,
 * by the value in the middle, one is more than 10 % above another. One odd value is no drift.
 */
export function hasDrifted(control: readonly number[]): boolean {
  const values = control.map(positive)
  const third = Math.ceil(values.length / 3)
  const middles = [0, 1, 2]
    .map((at) => values.slice(at * third, (at + 1) * third))
    .filter((part) => part.length > 0)
    .map(median)
  return middles.length > 0 && Math.max(...middles) > driftRatioMax * Math.min(...middles)
}

function positive(value: number): number {
  if (value > 0 && Number.isFinite(value)) return value
  throw new RangeError(`only what is above 0 has a ratio; got ${value}`)
}
