/** What a set of times comes to. All are ms; null: nobody was answered so soon, or nobody at all. */
export interface Percentiles {
  /** Answered or not. */
  readonly count: number
  readonly min: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly p999: number | null
  /** Of those answered. */
  readonly max: number | null
  /** Never: each counts as longer than all others. */
  readonly unanswered: number
}

/**
 * Where, among `count` sorted values from 1, the smallest stands that a share of `quantile` (0 to
 * 1) does not exceed.
 */
export function rankOf(quantile: number, count: number): number {
  // A quantile is no exact fraction; a product of whole numbers is.
  return Math.max(1, Math.ceil((Math.round(quantile * 1e6) * count) / 1e6))
}

/** Exact, of ns in any order, which are sorted where they lie; NaN: never answered. */
export function percentilesOf(timesNs: Float64Array): Percentiles {
  const sorted = timesNs.sort() // NaN comes last
  const count = sorted.length
  let answered = count
  while (answered > 0 && Number.isNaN(sorted[answered - 1])) answered--
  const at = (rank: number) =>
    rank >= 1 && rank <= answered ? (sorted[rank - 1] as number) / 1e6 : null
  const percentile = (quantile: number) => at(rankOf(quantile, count))
  return {
    count,
    min: at(1),
    p50: percentile(0.5),
    p90: percentile(0.9),
    p99: percentile(0.99),
    p999: percentile(0.999),
    max: at(answered),
    unanswered: count - answered,
  }
}
