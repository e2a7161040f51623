import type { WorkerRef } from '../../core/channel.ts'

/** A worker that a message can be sent to. There is at least one, in any order. */
export type Candidates = readonly [WorkerRef, ...WorkerRef[]]

/** Chooses one of them for a message with this key. */
export type Pick = (candidates: Candidates, key: string | null) => WorkerRef

/** Names one start of a worker. */
export function nameOf({ id, incarnation }: WorkerRef): string {
  return `${id} ${incarnation}`
}
