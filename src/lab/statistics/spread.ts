import { median } from './median.ts'

/** What the same experiment came to, over several runs. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

/** @throws RangeError of no value, or of one that is no number. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0 || values.some(Number.isNaN)) {
    throw new RangeError(`a spread is of one number at least; got [${values.join(', ')}]`)
  }
  return { min: Math.min(...values), median: median(values), max: Math.max(...values) }
}
