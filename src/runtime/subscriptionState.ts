import type { ChannelSpec, WorkerRef } from '../core/channel.ts'
import type { SubscriptionHealth } from './health.ts'
import type { SubscriptionCounts, SubscriptionFrame } from './telemetry/frame.ts'

/** What a subscription says of itself to health and telemetry. */
export interface SubscriptionState {
  readonly group: string | null
  readonly concurrency: number
  /** Slots that no stuck handler has taken; null: it runs no handlers. */
  readonly slotsLeft: number | null
  readonly why: string
  counts(): SubscriptionCounts
}

interface Subscribed {
  readonly worker: WorkerRef
  readonly isReady: boolean
  readonly state: SubscriptionState
}

export function subscriptionHealth(
  { name, pattern }: ChannelSpec,
  { worker, isReady, state: { group, slotsLeft, why } }: Subscribed,
): SubscriptionHealth {
  const isAlive = slotsLeft !== 0
  return {
    ...{ channel: name, pattern, group, worker: worker.id, isReady, isAlive },
    why: isAlive ? why : 'every slot is lost to a stuck handler',
  }
}

export function subscriptionFrame(
  { name, pattern }: ChannelSpec,
  { worker, isReady, state: { group, concurrency, counts } }: Subscribed,
): SubscriptionFrame {
  return {
    ...{ channel: name, pattern, group, worker: worker.id, ready: isReady, concurrency },
    ...counts(),
  }
}
