import type { GroupHistory, History } from '../checker/history.ts'
import { deliveryLatency, isSaturated, publishLatency } from '../checker/latency.ts'
import { isWorker, loadHistory } from '../checker/load.ts'
import type { Evidence, LedgerFile } from '../evidence/evidence.ts'
import { throughputOf } from '../report/throughput.ts'
import type { TwinPlayed } from './playTwin.ts'

/** What a run of the raw client came to. It promises nothing, so nothing judges it. */
export interface TwinFigures {
  readonly acknowledged: number
  /** Acknowledged and never done, over all groups, or subscribers of a broadcast. */
  readonly lost: number
  /** Done once more. */
  readonly repeated: number
  /** As in a report: end to end, of the slowest group; of a broadcast until the answer. Null: saturated. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** Messages done a second. */
  readonly perSecond: number
}

export function twinFiguresOf({ evidence, zeroNs }: TwinPlayed, isBroadcast: boolean): TwinFigures {
  const { ledgers } = evidence
  const own: Evidence = { ...evidence, ledgers: isBroadcast ? ledgers.map(asOwnGroup) : ledgers }
  const { history } = loadHistory(own)
  const { groups, okNs } = history
  const { offered, achieved, delivered } = throughputOf(history, own, zeroNs)
  const { response, scheduleDelay } = publishLatency(history)
  const isUseless = isSaturated({ offered, achieved }, scheduleDelay)
  const times = isBroadcast
    ? [response]
    : groups.map((group) => deliveryLatency(history, group).endToEnd)
  const slowest = (all: readonly (number | null)[]) =>
    isUseless || all.some((ms) => ms === null) ? null : Math.max(...(all as number[]))
  return {
    acknowledged: okNs.filter((ns) => !Number.isNaN(ns)).length,
    lost: sumOver(groups, (group) => lostIn(history, group)),
    repeated: sumOver(groups, ({ done }) => done.reduce((sum, n) => sum + Math.max(0, n - 1), 0)),
    p50Ms: slowest(times.map(({ p50 }) => p50)),
    p99Ms: slowest(times.map(({ p99 }) => p99)),
    perSecond: delivered,
  }
}

/** Each subscriber has all messages: it is a group by itself. */
function asOwnGroup(ledger: LedgerFile): LedgerFile {
  const { sidecar } = ledger
  return isWorker(sidecar.role)
    ? { ...ledger, sidecar: { ...sidecar, group: String(sidecar.actor) } }
    : ledger
}

function lostIn({ okNs }: History, { done }: GroupHistory): number {
  return okNs.filter((ns, message) => !Number.isNaN(ns) && done[message] === 0).length
}

function sumOver(groups: readonly GroupHistory[], count: (group: GroupHistory) => number): number {
  return groups.reduce((sum, group) => sum + count(group), 0)
}
