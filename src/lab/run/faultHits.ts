import type { LedgerFile } from '../evidence/evidence.ts'
import { readRecord, recordBytes } from '../evidence/record.ts'
import type { FaultKind, PlannedFault } from '../plan.ts'
import type { AppliedFault, JudgedFault } from './result.ts'

/**
 * A worker was hit when it had a message in hand; a producer, a relay, a network or a broker when
 * messages were still sent or handed out afterwards.
 */
export function judgedFaults(
  applied: readonly AppliedFault[],
  ledgers: readonly LedgerFile[],
  zeroNs: bigint,
): JudgedFault[] {
  const lastNs = ledgers.reduce((last, one) => Math.max(last, lastWorkNs(one, zeroNs)), 0)
  return applied.map((fault) => {
    const { inHand, appliedMs } = fault
    return { ...fault, hit: inHand === null ? appliedMs * 1e6 < lastNs : inHand > 0 }
  })
}

/** Kinds of which none that was planned hit anything: whatever a run shows, it shows nothing of these. */
export function unhitKinds(
  planned: readonly PlannedFault[],
  faults: readonly JudgedFault[],
): FaultKind[] {
  const kinds = new Set(planned.map(({ kind }) => kind))
  return [...kinds].filter((kind) => !faults.some((one) => one.kind === kind && one.hit))
}

/** When it sent or was handed a message for the last time, since time zero. */
function lastWorkNs({ bytes }: LedgerFile, zeroNs: bigint): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = Math.floor(bytes.byteLength / recordBytes) - 1; at >= 0; at--) {
    const record = readRecord(view, at * recordBytes)
    if (record?.type === 'invoke' || record?.type === 'recv') return Number(record.timeNs - zeroNs)
  }
  return 0
}
