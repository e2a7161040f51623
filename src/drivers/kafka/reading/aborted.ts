import type { RecordBatch } from '../cluster/requests.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

const isTransactional = 1 << 4
const isControl = 1 << 5

/**
 * Without what its producer has taken back, and without the marks that say so. A server tells from which
 * offset on a producer's batches count as taken back; its own mark ends that.
 */
export function kept(
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
): RecordBatch[] {
  const open = new Set<bigint>()
  const begins = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  return batches.filter((batch) => {
    const { attributes, producerId, firstOffset, lastOffsetDelta } = batch
    const lastOffset = firstOffset + BigInt(lastOffsetDelta)
    while (begins[0] !== undefined && begins[0].firstOffset <= lastOffset) {
      open.add((begins.shift() as AbortedTransaction).producerId)
    }
    if ((attributes & isControl) !== 0) {
      open.delete(producerId)
      return false
    }
    return (attributes & isTransactional) === 0 || !open.has(producerId)
  })
}
