import { type Spread, spreadOf } from '../statistics/spread.ts'
import type { Report, SpecReport } from './types.ts'

/** All runs of one scenario on one subject. */
export interface Cell {
  readonly runs: number
  /** The worst of them. */
  readonly status: Report['verdict']['status']
  /** Of the first run that was no better. */
  readonly reasons: readonly string[]
  readonly lost: Spread
  readonly reprocessed: Spread
  /** Until the last group was back after a fault of the broker, else the 99th percentile end to end. */
  readonly ms: Spread | null
  readonly isSaturated: boolean
}

const worstFirst = ['BROKEN', 'INCONCLUSIVE', 'KEPT'] as const

/** `redis-list@safe`, `redis-pubsub narrowcast` */
export function columnName({
  backend,
  profile,
  pattern,
}: Pick<SpecReport, 'backend' | 'profile' | 'pattern'>): string {
  const at = profile === 'default' ? '' : `@${profile}`
  return `${backend}${at}${pattern === 'queue' ? '' : ` ${pattern}`}`
}

/** Of at least one report. */
export function cellOf(reports: readonly Report[]): Cell {
  const status = worstFirst.find((one) => reports.some(({ verdict }) => verdict.status === one))
  const worst = reports.find(({ verdict }) => verdict.status === status) as Report
  const times = reports.map(timeOf)
  return {
    runs: reports.length,
    status: worst.verdict.status,
    reasons: worst.verdict.reasons,
    lost: spreadOf(reports.map(lostIn)),
    reprocessed: spreadOf(reports.map(reprocessedIn)),
    ms: times.some((ms) => ms === null) ? null : spreadOf(times as number[]),
    isSaturated: reports.some(({ instrument }) => instrument.isSaturated),
  }
}

function lostIn({ groups, broadcast }: Report): number {
  if (broadcast) {
    return sum(broadcast.subscribers.map(({ missed }) => missed.total)) + broadcast.unheard.total
  }
  return sum((groups ?? []).map(({ account }) => account.lost.total))
}

function reprocessedIn({ groups, broadcast }: Report): number {
  if (broadcast) return sum(broadcast.subscribers.map(({ extra }) => extra.total))
  return sum((groups ?? []).map(({ account }) => account.reprocessed.total))
}

/** Null where a group never came back, where too many were never answered, or of a saturated run. */
export function timeOf({ groups, latency, instrument }: Report): number | null {
  if (instrument.isSaturated) return null
  if (groups === null) return latency.response.p99
  const ofBroker = groups.flatMap(({ recovery }) =>
    recovery.filter(({ fault }) => fault.startsWith('broker-')),
  )
  const times =
    ofBroker.length > 0
      ? ofBroker.map(({ rtoConsumeMs }) => rtoConsumeMs)
      : groups.map((group) => group.latency.endToEnd.p99)
  return times.some((ms) => ms === null) ? null : Math.max(...(times as number[]))
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
