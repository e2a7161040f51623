import { isLive } from '../../core/message.ts'
import type { ChannelPlan } from '../plan.ts'

/** A stopped worker of a live pattern has no lease to lose: its broker drops it, or keeps it. */
const stoppedLiveMs = 10_000

/** How long a worker stands still that is to lose what it has. */
export function stoppedMs({ pattern, leaseMs }: Pick<ChannelPlan, 'pattern' | 'leaseMs'>): number {
  return isLive(pattern) ? stoppedLiveMs : 3 * leaseMs
}
