import type { UnhitKind } from '../checker/verdict.ts'
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

/**
 * Kinds of which none that was planned hit anything: whatever a run shows, it shows nothing of these.
 * Which kinds are drawn is chance, and nobody asked for one of them: drawn faults are one kind.
 */
export function unhitKinds(
  planned: readonly PlannedFault[],
  faults: readonly JudgedFault[],
): UnhitKind[] {
  const hit = new Set<FaultKind>(faults.flatMap((one) => (one.hit ? [one.kind] : [])))
  const isUnhit = ({ kind }: PlannedFault) => !hit.has(kind)
  const isDrawn = ({ pauseMs }: PlannedFault) => pauseMs !== undefined
  const [drawn, named] = [planned.filter(isDrawn), planned.filter((one) => !isDrawn(one))]
  return [
    ...new Set(named.filter(isUnhit).map(({ kind }) => kind)),
    ...(drawn.length > 0 && drawn.every(isUnhit) ? (['drawn fault'] as const) : []),
  ]
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
