/**
 * Times by exponential buckets, eight for each doubling: bucket n holds (2^(n/8), 2^((n+1)/8)] ms.
 * That is the exponential histogram of the OpenTelemetry data model at scale 3. Any two can be
 * added, and a quantile is wrong by at most 4.5 %.
 */
export interface HistogramData {
  readonly scale: 3
  readonly count: number
  readonly sum_ms: number
  /** Bucket → how many; the empty ones are left out. */
  readonly buckets: Readonly<Record<string, number>>
}

const bucketsPerDoubling = 8
/** About a microsecond and 49 days; what lies beyond counts as the end. */
const lowest = -10 * bucketsPerDoubling
const highest = 32 * bucketsPerDoubling
const timeMsMax = 2 ** 32

export class Histogram {
  readonly #counts = new Float64Array(highest - lowest + 1)
  #count = 0
  #sumMs = 0

  /** Counts one time; what is below zero, or no number, counts as none. */
  record(measuredMs: number): void {
    const ms = Math.min(Math.max(0, measuredMs) || 0, timeMsMax)
    this.#counts[bucketOf(ms) - lowest] = (this.#counts[bucketOf(ms) - lowest] ?? 0) + 1
    this.#count++
    this.#sumMs += ms
  }

  get data(): HistogramData {
    const buckets: Record<string, number> = {}
    if (this.#count > 0) {
      this.#counts.forEach((count, n) => {
        if (count > 0) buckets[n + lowest] = count
      })
    }
    return {
      scale: 3,
      count: this.#count,
      sum_ms: Math.round(this.#sumMs * 1_000) / 1_000,
      buckets,
    }
  }
}

function bucketOf(ms: number): number {
  if (!(ms > 0)) return lowest
  const bucket = Math.ceil(Math.log2(ms) * bucketsPerDoubling) - 1
  return Math.min(highest, Math.max(lowest, bucket))
}

/** All of both. */
export function added(a: HistogramData, b: HistogramData): HistogramData {
  return combined(a, b, 1)
}

/** What came between two readings of one histogram. */
export function since(before: HistogramData, now: HistogramData): HistogramData {
  return combined(now, before, -1)
}

function combined(a: HistogramData, b: HistogramData, sign: 1 | -1): HistogramData {
  const buckets: Record<string, number> = { ...a.buckets }
  for (const [bucket, count] of Object.entries(b.buckets)) {
    const sum = (buckets[bucket] ?? 0) + sign * count
    if (sum > 0) buckets[bucket] = sum
    else delete buckets[bucket]
  }
  return { scale: 3, count: a.count + sign * b.count, sum_ms: a.sum_ms + sign * b.sum_ms, buckets }
}

export const nothingTimed: HistogramData = { scale: 3, count: 0, sum_ms: 0, buckets: {} }

/** The time that a share of all stays within, 0 < share ≤ 1; null where nothing was timed. */
export function quantileMs({ buckets }: HistogramData, share: number): number | null {
  const sorted = Object.entries(buckets)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b)
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  let rest = Math.max(1, Math.ceil(total * share))
  for (const [bucket, count] of sorted) {
    rest -= count
    if (rest <= 0) return 2 ** ((bucket + 0.5) / bucketsPerDoubling)
  }
  return null
}
