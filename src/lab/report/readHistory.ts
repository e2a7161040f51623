import { isWorker, type Loaded, loadHistory } from '../checker/load.ts'
import type { Evidence, LedgerFile } from '../evidence/evidence.ts'

/** Of a broadcast every subscriber, over all its starts, is a group by itself. */
export function readHistory(evidence: Evidence, isBroadcast: boolean): Loaded {
  if (!isBroadcast) return loadHistory(evidence)
  return loadHistory({ ...evidence, ledgers: evidence.ledgers.map(asOwnGroup) })
}

function asOwnGroup(ledger: LedgerFile): LedgerFile {
  const { sidecar } = ledger
  return isWorker(sidecar.role)
    ? { ...ledger, sidecar: { ...sidecar, group: String(sidecar.actor) } }
    : ledger
}
