import { lateFlag, recordTypes } from '../evidence/record.ts'
import type { TrailOf } from './groupTrails.ts'
import { touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'

const { recv, settled, lost } = recordTypes

/** The worker wrote that a message was no longer its own. */
export function tellsOfLoss({ type, flags }: { type: number; flags: number }): boolean {
  return type === lost || (type === settled && (flags & lateFlag) !== 0)
}

/**
 * Whether anything that was recorded can have cost a worker the lease of what it was handed at
 * `fromNs`, and no longer owned at `toNs`: it stood still for half of the lease, or was stopped, or
 * another was that may have had the lock of the store, or it and the broker were apart. A worker that lives and renews loses nothing.
 */
export function mayLoseLease(
  { terms, guardNs, episodes, moments, storeStops }: Scene,
  worker: string,
  fromNs: number,
  toNs: number,
): boolean {
  const isDuring = (one: { fromNs: number; toNs: number }) => touches(one, fromNs, toNs + guardNs)
  const stoodStillNs = moments
    .stallsOf(worker)
    .filter(isDuring)
    .reduce((sum, stall) => sum + stall.toNs - stall.fromNs, 0)
  return (
    (terms.leaseMs > 0 && stoodStillNs * 2 >= terms.leaseMs * 1e6) ||
    [...episodes.stopsOf(worker), ...storeStops].some(isDuring) ||
    episodes.netsOf(worker).some(isDuring) ||
    moments.cutsOf(worker).some(isDuring) ||
    episodes.brokerOutages.some(isDuring)
  )
}

/** Settlements that came late without a reason, of these messages. */
export function lateUnfounded(messages: readonly number[], scene: Scene, trailOf: TrailOf): number {
  let count = 0
  for (const message of messages) {
    /** When each ledger's worker was handed it last. */
    const handedNs = new Map<number, number>()
    for (const { type, flags, ledger, timeNs } of trailOf(message)) {
      if (type === recv) handedNs.set(ledger, timeNs)
      if (type !== settled || (flags & lateFlag) === 0) continue
      const fromNs = handedNs.get(ledger) ?? Number.NEGATIVE_INFINITY
      if (!mayLoseLease(scene, scene.actors[ledger] as string, fromNs, timeNs)) count++
    }
  }
  return count
}
