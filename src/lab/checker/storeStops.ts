import type { LedgerFile } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import type { Terms } from '../terms.ts'
import type { Episodes } from './episodes.ts'
import type { Interval } from './intervals.ts'
import { eachRecord } from './recordCursor.ts'

const { ok, settled } = recordTypes

/**
 * When somebody was stopped and nobody wrote to a store that all share: who was stopped may have had
 * its lock, and then nobody's lease was renewed.
 */
export function storeStops(
  ledgers: readonly LedgerFile[],
  baseNs: bigint,
  { isStoreShared }: Terms,
  episodes: Episodes,
  guardNs: number,
): readonly Interval[] {
  let quiet = isStoreShared ? episodes.stops : []
  for (const { bytes } of quiet.length > 0 ? ledgers : []) {
    eachRecord(bytes, baseNs, ({ type, timeNs }) => {
      if (type !== ok && type !== settled) return
      const isDuring = ({ fromNs, toNs }: Interval) =>
        timeNs > fromNs + guardNs && timeNs < toNs - guardNs
      if (quiet.some(isDuring)) quiet = quiet.filter((stop) => !isDuring(stop))
    })
  }
  return quiet
}
