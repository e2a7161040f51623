import type { Bus, Channel } from '../runtime/api.ts'
import type { Load } from './load.ts'

/** What one run does, on whatever stage. Data, so that it can be sent to other processes. */
export interface RunPlan {
  /** In ids of messages, and in their data. */
  readonly run: { readonly name: string; readonly number: bigint }
  readonly channel: ChannelPlan
  readonly load: Load
  readonly seed: number
  /** Each kills the busiest worker so long after time zero; it starts anew. */
  readonly killsAtMs: readonly number[]
}

/** A queue of the lab's own. */
export interface ChannelPlan {
  readonly name: string
  readonly leaseMs: number
  readonly attempts: number
  readonly deliveriesMax: number
  /** Null: publishing an id again stores it again. */
  readonly dedupeWindowMs: number | null
  readonly order: 'none' | 'key'
}

/** Publishes once and never again by itself, so that one attempt is one record. */
export function openChannel(bus: Bus, plan: ChannelPlan): Channel<Uint8Array> {
  const { name, leaseMs, attempts, deliveriesMax, dedupeWindowMs, order } = plan
  return bus.queue(name, {
    ...{ codec: 'bytes', leaseMs, attempts, deliveriesMax, order, publish: { retry: false } },
    ...(dedupeWindowMs !== null && { dedupe: { on: 'publish', windowMs: dedupeWindowMs } }),
  })
}
