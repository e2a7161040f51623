import type { WorkerRef } from '../../core/channel.ts'
import { hashOf, mixed } from './hash.ts'
import type { Pick } from './pick.ts'

/**
 * A key stays with its worker (rendezvous hash): when one of n goes, only its own keys move, to all
 * the others; when one comes, it takes 1/n of each. Every publisher chooses alike, and remembers
 * nothing. A message without a key goes where `otherwise` says.
 */
export function sticky(otherwise: Pick): Pick {
  const hashes = new WeakMap<WorkerRef, number>() // of the list that is known now
  const hashOfWorker = (worker: WorkerRef): number => {
    const known = hashes.get(worker)
    if (known !== undefined) return known
    const hash = hashOf(worker.id)
    hashes.set(worker, hash)
    return hash
  }
  return (candidates, key) => {
    if (key === null) return otherwise(candidates, key)
    const keyHash = hashOf(key)
    let best = candidates[0]
    let most = -1
    for (const one of candidates) {
      const weight = mixed(hashOfWorker(one) + keyHash)
      if (weight < most || (weight === most && one.id >= best.id)) continue
      best = one
      most = weight
    }
    return best
  }
}
