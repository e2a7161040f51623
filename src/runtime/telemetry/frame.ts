import type { Pattern } from '../../core/message.ts'
import type { HistogramData } from './histogram.ts'

/**
 * What a process tells of itself on the broadcast channel `narrowcast.telemetry`. Totals are since
 * its start. Never message data. Fields are only added; else `v` rises.
 */
export interface TelemetryFrame {
  readonly v: 1
  readonly type: 'telemetry'
  readonly host: string
  readonly pid: number
  /** With host and pid it names one process. */
  readonly start: string
  /** Which bus of the process tells. */
  readonly bus: string
  /** What does not fit into one frame is told in several, counted from 0. */
  readonly part: number
  readonly parts: number
  /** When the next frame is due at the latest. */
  readonly every_ms: number
  readonly version: string
  /** It obeys `narrowcast.control`. */
  readonly control: boolean
  readonly memory_mb: number
  /** Of the last second: how late the event loop was, in the slowest hundredth. */
  readonly loop_p99_ms: number
  readonly subscriptions: readonly SubscriptionFrame[]
  readonly publishers: readonly PublisherFrame[]
  readonly relays: readonly RelayFrame[]
  /** What even so many frames have no room for. */
  readonly omitted: number
  /** What parts add by `bus.telemetry.add`. */
  readonly [section: string]: unknown
}

export interface SubscriptionFrame extends SubscriptionCounts {
  readonly channel: string
  readonly pattern: Pattern
  readonly group: string | null
  readonly worker: string
  readonly ready: boolean
  /** Handlers at once; for `deliveries()` what may be held. */
  readonly concurrency: number
}

/** Totals since it began, and what it has in hand now. */
export interface SubscriptionCounts {
  readonly received: number
  readonly acked: number
  readonly retried: number
  readonly dead: number
  readonly errors: number
  readonly late: number
  readonly redelivered: number
  readonly in_flight_count: number
  /** The oldest of them. */
  readonly in_flight: readonly { readonly id: string; readonly for_ms: number }[]
  /** From taking a message until it was settled. */
  readonly latency: HistogramData
}

export interface PublisherFrame {
  readonly channel: string
  readonly pattern: Pattern
  readonly published: number
  readonly failed: number
}

export interface RelayFrame {
  readonly channel: string
  readonly worker: string
  readonly leads: boolean
  readonly taken: number
  readonly routed: number
  readonly rerouted: number
  readonly unknown: number
  readonly no_worker: number
  readonly held: number
  readonly dropped: number
}

/** Ids in a frame: enough to see who is stuck, few enough to stay small. */
export const inFlightMax = 10
