import type { ActorId } from '../evidence/evidence.ts'

/** From when to when, both included. Infinity: for ever. */
export interface Interval {
  readonly fromNs: number
  readonly toNs: number
}

export function touches(interval: Interval, fromNs: number, toNs: number): boolean {
  return interval.fromNs <= toNs && interval.toNs >= fromNs
}

/** Less at both ends, without those of which nothing is left. */
export function shrunk(intervals: readonly Interval[], byNs: number): Interval[] {
  return intervals
    .map(({ fromNs, toNs }) => ({ fromNs: fromNs + byNs, toNs: toNs - byNs }))
    .filter(({ fromNs, toNs }) => fromNs <= toNs)
}

/** One process by its name: `worker 3 0`. */
export function actorName({ role, actor, incarnation }: ActorId): string {
  return `${role} ${actor} ${incarnation}`
}
