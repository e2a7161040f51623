import { NarrowcastError } from '../core/errors.ts'
import { rankOf } from './percentiles.ts'

/** Buckets in each doubling: none is wider than 1/1,024 of the values it holds. */
const perDoubling = 1_024
const topNs = 3_600_000_000_000
const buckets = bucketOf(topNs) + 1

/** `buckets`: pairs of index and count, by index, without the empty ones. */
export interface HistogramJson {
  readonly unit: 'ns'
  /** Significant digits that a percentile keeps. */
  readonly digits: 3
  readonly count: number
  /** Null: nothing was recorded. */
  readonly min: number | null
  readonly max: number | null
  readonly sum: number
  readonly over: number
  readonly buckets: readonly (readonly [index: number, count: number])[]
}

/**
 * Times, in as little room as their spread needs: 0 and each nanosecond below 2 us are kept as
 * they are, the others up to an hour within 0.1 %. What is longer is counted, and no more than
 * that is known of it. Minimum and maximum are exact, the sum up to 2^53 ns (104 days).
 */
export class Histogram {
  readonly #counts = new Float64Array(buckets)
  #count = 0
  #over = 0
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY

  /** How many were recorded, longer ones than an hour among them. */
  get count(): number {
    return this.#count
  }

  /** @throws INVALID_ARGUMENT for what is no whole number of nanoseconds from 0. */
  record(ns: number): void {
    if (!Number.isSafeInteger(ns) || ns < 0) {
      throw new NarrowcastError('INVALID_ARGUMENT', `histogram: cannot record ${ns} ns`, {
        hint: 'record whole nanoseconds, 0 or more',
      })
    }
    this.#count++
    this.#sum += ns
    this.#min = Math.min(this.#min, ns)
    this.#max = Math.max(this.#max, ns)
    if (ns > topNs) this.#over++
    else add(this.#counts, bucketOf(ns), 1)
  }

  /** Afterwards this is as if it had recorded all that the other has recorded, too. */
  merge(other: Histogram): void {
    this.#count += other.#count
    this.#over += other.#over
    this.#sum += other.#sum
    this.#min = Math.min(this.#min, other.#min)
    this.#max = Math.max(this.#max, other.#max)
    for (let index = 0; index < buckets; index++) {
      add(this.#counts, index, other.#counts[index] as number)
    }
  }

  /**
   * The time that a share of `quantile` (0 to 1) did not exceed, within 0.1 %. Null: nothing was
   * recorded, or it is longer than an hour.
   */
  percentileNs(quantile: number): number | null {
    const rank = rankOf(quantile, this.#count)
    let seen = 0
    for (let index = 0; index < buckets; index++) {
      seen += this.#counts[index] as number
      if (seen >= rank) return Math.min(Math.max(middleOf(index), this.#min), this.#max)
    }
    return null
  }

  toJSON(): HistogramJson {
    const filled: [number, number][] = []
    this.#counts.forEach((count, index) => {
      if (count > 0) filled.push([index, count])
    })
    return {
      unit: 'ns',
      digits: 3,
      count: this.#count,
      min: this.#count === 0 ? null : this.#min,
      max: this.#count === 0 ? null : this.#max,
      sum: this.#sum,
      over: this.#over,
      buckets: filled,
    }
  }

  /** @throws INVALID_ARGUMENT when buckets and counts do not go together. */
  static fromJSON(json: HistogramJson): Histogram {
    const histogram = new Histogram()
    let counted = json.over
    for (const [index, count] of json.buckets) {
      if (!(index in histogram.#counts)) throw unreadable(`it has no bucket ${index}`)
      add(histogram.#counts, index, count)
      counted += count
    }
    if (json.unit !== 'ns' || json.digits !== 3) throw unreadable('it has another unit')
    if (counted !== json.count) throw unreadable(`it counts ${json.count}, and holds ${counted}`)
    histogram.#count = json.count
    histogram.#over = json.over
    histogram.#sum = json.sum
    histogram.#min = json.min ?? Number.POSITIVE_INFINITY
    histogram.#max = json.max ?? Number.NEGATIVE_INFINITY
    return histogram
  }
}

/** Buckets are a nanosecond wide below 2,048, and from there on twice as wide in each doubling. */
function bucketOf(ns: number): number {
  const doublings = 32 - Math.clz32(Math.floor(ns / (2 * perDoubling)))
  return doublings * perDoubling + Math.floor(ns / 2 ** doublings)
}

function middleOf(index: number): number {
  const doublings = Math.max(0, Math.floor(index / perDoubling) - 1)
  const width = 2 ** doublings
  return (index - doublings * perDoubling) * width + Math.floor((width - 1) / 2)
}

function add(counts: Float64Array, index: number, count: number): void {
  counts[index] = (counts[index] as number) + count
}

function unreadable(why: string): NarrowcastError {
  return new NarrowcastError('INVALID_ARGUMENT', `histogram: cannot read this JSON, ${why}`, {
    hint: 'read only what toJSON() of this version has made',
  })
}
