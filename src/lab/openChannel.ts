import type { Bus, Channel } from '../runtime/api.ts'
import type { ChannelPlan } from './plan.ts'

/** Publishes once and never again by itself, so that one attempt is one record. */
export function openChannel(bus: Bus, plan: ChannelPlan): Channel<Uint8Array> {
  const { name, pattern, via } = plan
  const once = { codec: 'bytes', publish: { retry: false } } as const
  if (pattern === 'broadcast') return bus.broadcast(name, once)
  if (pattern === 'narrowcast') return bus.narrowcast(name, { ...once, via })
  const { leaseMs, attempts, deliveriesMax, dedupeWindowMs, order } = plan
  return bus[pattern](name, {
    ...{ ...once, leaseMs, attempts, deliveriesMax, order },
    ...(dedupeWindowMs !== null && { dedupe: { on: 'publish', windowMs: dedupeWindowMs } }),
  })
}

/** What a live worker may have waiting for a free handler. */
export const liveHoldMax = 1_000

/** Each of them is given every message of a stream; null: the pattern has none. */
export function groupsOf({ pattern }: Pick<ChannelPlan, 'pattern'>): readonly (string | null)[] {
  return pattern === 'stream' ? ['a', 'b'] : [null]
}
