import type { ActorId } from '../evidence/evidence.ts'

/** From when to when, both included. Infinity: for ever. */
export interface Interval {
  readonly fromNs: number
  readonly toNs: number
}

export function touches(interval: Interval, fromNs: number, toNs: number): boolean {
  return interval.fromNs <= toNs && interval.toNs >= fromNs
}

/** One process by its name: `worker 3 0`. */
export function actorName({ role, actor, incarnation }: ActorId): string {
  return `${role} ${actor} ${incarnation}`
}
