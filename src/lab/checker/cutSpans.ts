import type { Interval } from './intervals.ts'
import type { Scene } from './lossCauses.ts'

/**
 * When the connection of a worker may have ended: when the worker noted it, or as long as it stood
 * still before that. Only where what it holds is its own by its connection alone does that tell
 * anything: there the broker gives all of it to others long before the worker can know.
 */
export function cutSpansOf(
  { terms, guardNs, moments }: Pick<Scene, 'terms' | 'guardNs' | 'moments'>,
  worker: string,
): Interval[] {
  const stalls = terms.isOwnedByConnection ? moments.stallsOf(worker) : []
  return moments.cutsOf(worker).map(({ fromNs: notedNs }) => {
    const still = stalls.filter(
      ({ fromNs, toNs }) => fromNs <= notedNs && notedNs <= toNs + guardNs,
    )
    return { fromNs: Math.min(notedNs, ...still.map(({ fromNs }) => fromNs)), toNs: notedNs }
  })
}
