import { rankOf } from '../../percentiles.ts'
import { binAt, type TimeBins } from './timeBins.ts'

/** Of the messages of one piece of time. In ms; null: nobody was answered so soon, or nobody at all. */
export interface LatencyBin {
  readonly p50: number | null
  readonly p99: number | null
  readonly max: number | null
  /** Never: each counts as longer than all others. */
  readonly unanswered: number
}

/** By when messages were to be sent. `ends`: of one reader each. */
export function latencyLine(
  bins: TimeBins,
  baseMs: number,
  intendedNs: Float64Array,
  ends: readonly Float64Array[],
): LatencyBin[] {
  const starts = new Uint32Array(bins.count + 1)
  for (const ns of intendedNs) {
    if (Number.isNaN(ns)) continue
    const after = binAt(bins, baseMs + ns / 1e6) + 1
    starts[after] = (starts[after] as number) + ends.length
  }
  for (let bin = 1; bin <= bins.count; bin++) {
    starts[bin] = (starts[bin] as number) + (starts[bin - 1] as number)
  }
  const times = new Float64Array(starts[bins.count] as number)
  const next = starts.slice()
  for (let message = 0; message < intendedNs.length; message++) {
    const ns = intendedNs[message] as number
    if (Number.isNaN(ns)) continue
    const bin = binAt(bins, baseMs + ns / 1e6)
    for (const end of ends) {
      const at = next[bin] as number
      next[bin] = at + 1
      times[at] = ((end[message] as number) - ns) / 1e6
    }
  }
  return Array.from({ length: bins.count }, (_, bin) =>
    latencyOf(times.subarray(starts[bin], starts[bin + 1]).sort()),
  )
}

function latencyOf(sorted: Float64Array): LatencyBin {
  const answered = answeredOf(sorted)
  const at = (quantile: number) => valueAt(sorted, rankOf(quantile, sorted.length))
  return {
    p50: at(0.5),
    p99: at(0.99),
    max: valueAt(sorted, answered),
    unanswered: sorted.length - answered,
  }
}

/** One point of a tail: a share `quantile` of the messages took no longer than `ms`. */
export interface TailPoint {
  readonly quantile: number
  readonly ms: number
}

/** Halves, nines, and something between. */
const quantiles = [
  ...[0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999],
  ...[0.9995, 0.9998, 0.9999, 0.99995, 0.99999, 0.999999],
]

/** As far as there are enough messages, and as they were answered. NaN: never. */
export function tailOf(
  fromNs: Float64Array,
  toNs: Float64Array,
  messages: Uint32Array,
): TailPoint[] {
  const times = new Float64Array(messages.length)
  messages.forEach((message, at) => {
    times[at] = ((toNs[message] as number) - (fromNs[message] as number)) / 1e6
  })
  times.sort()
  return quantiles
    .filter((quantile) => (1 - quantile) * times.length >= 1 - 1e-6)
    .flatMap((quantile) => {
      const ms = valueAt(times, rankOf(quantile, times.length))
      return ms === null ? [] : [{ quantile, ms }]
    })
}

/** NaN comes last. */
function answeredOf(sorted: Float64Array): number {
  let answered = sorted.length
  while (answered > 0 && Number.isNaN(sorted[answered - 1])) answered--
  return answered
}

function valueAt(sorted: Float64Array, rank: number): number | null {
  const value = sorted[rank - 1]
  return value === undefined || Number.isNaN(value) ? null : value
}
