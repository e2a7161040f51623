import type { WorkerRef } from '../../core/channel.ts'
import { type Candidates, nameOf, type Pick } from './pick.ts'

/** What a worker had in hand when it last told. */
export interface Load {
  readonly inHand: number
  /** When that was; another value is another telling. */
  readonly atMs: number
}

/** Null: it has not told yet. */
export type LoadOf = (worker: WorkerRef) => Load | null

/** As often as a busy worker tells. */
const untoldMs = 1_000

/**
 * The less busy of two at random: what it had in hand when it last told, and what was sent to it
 * from here since. Comparing all would send everybody to the same one between two tellings.
 */
export function leastBusy(loadOf: LoadOf, draw: () => number, nowMs: () => number): Pick {
  const sent = new Map<string, { count: number; sinceMs: number }>()
  // Of one that tells nothing, what was sent lately counts: for ever would starve it.
  const sinceOf = (load: Load | null) => load?.atMs ?? Math.floor(nowMs() / untoldMs)
  const busyness = (worker: WorkerRef): number => {
    const load = loadOf(worker)
    const own = sent.get(nameOf(worker))
    const isSince = own !== undefined && own.sinceMs === sinceOf(load)
    return (load?.inHand ?? 0) + (isSince ? own.count : 0)
  }
  const note = (worker: WorkerRef, candidates: Candidates): void => {
    const sinceMs = sinceOf(loadOf(worker))
    const own = sent.get(nameOf(worker))
    const count = own?.sinceMs === sinceMs ? own.count + 1 : 1
    sent.set(nameOf(worker), { count, sinceMs })
    if (sent.size <= 2 * candidates.length) return
    const names = new Set(candidates.map(nameOf))
    for (const name of sent.keys()) if (!names.has(name)) sent.delete(name)
  }
  return (candidates) => {
    const count = candidates.length
    const at = Math.floor(draw() * count)
    const one = candidates[at] as WorkerRef
    const other = candidates[(at + 1 + Math.floor(draw() * (count - 1))) % count] as WorkerRef
    const chosen = busyness(other) < busyness(one) ? other : one
    note(chosen, candidates)
    return chosen
  }
}
