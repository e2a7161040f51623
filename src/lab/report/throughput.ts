import { backlogIn } from '../checker/backlog.ts'
import type { History } from '../checker/history.ts'
import { eachRecord } from '../checker/recordCursor.ts'
import type { DepthSample, Evidence } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import type { SecondOfRun, Throughput } from './types.ts'

const { ok, done } = recordTypes
const graceNs = 50_000_000

type Sent = Pick<History, 'intendedNs' | 'sentNs'>

/** How fast it was, over all producers and all workers. */
export function throughputOf(sent: Sent, evidence: Evidence, zeroNs: bigint): Throughput {
  const seconds = new Map<number, { published: number; done: number }>()
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  let count = 0
  for (const { bytes } of evidence.ledgers) {
    eachRecord(bytes, zeroNs, ({ type, timeNs }) => {
      if (type !== ok && type !== done) return
      const at = Math.floor(timeNs / 1e9)
      let second = seconds.get(at)
      if (!second) {
        second = { published: 0, done: 0 }
        seconds.set(at, second)
      }
      if (type === ok) {
        second.published++
        return
      }
      second.done++
      count++
      first = Math.min(first, timeNs)
      last = Math.max(last, timeNs)
    })
  }
  const delivered = rate(count, last - first)
  return { ...ratesOf(sent), delivered, series: seriesOf(seconds, evidence.depth, zeroNs) }
}

/** 0 where all were due at once: that is no rate. */
function ratesOf({ intendedNs, sentNs }: Sent): Pick<Throughput, 'offered' | 'achieved'> {
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  let planned = 0
  for (const ns of intendedNs) {
    if (Number.isNaN(ns)) continue
    planned++
    if (ns < first) first = ns
    if (ns > last) last = ns
  }
  let inTime = 0
  for (const ns of sentNs) if (ns <= last + graceNs) inTime++
  const offered = rate(planned, last - first)
  return { offered, achieved: planned === 0 ? 0 : (offered * inTime) / planned }
}

function rate(count: number, overNs: number): number {
  return count < 2 || overNs <= 0 ? 0 : ((count - 1) / overNs) * 1e9
}

function seriesOf(
  seconds: ReadonlyMap<number, Omit<SecondOfRun, 'second' | 'backlog'>>,
  depth: readonly DepthSample[],
  zeroNs: bigint,
): SecondOfRun[] {
  const backlogs = new Map<number, Map<string | null, number | null>>()
  for (const sample of depth) {
    const at = Math.floor(Number(sample.timeNs - zeroNs) / 1e9)
    const second = backlogs.get(at) ?? new Map<string | null, number | null>()
    backlogs.set(at, second.set(sample.group, backlogIn(sample)))
  }
  const end = [...seconds.keys(), ...backlogs.keys()].reduce((most, at) => Math.max(most, at), -1)
  return Array.from({ length: end + 1 }, (_, second) => ({
    second,
    ...(seconds.get(second) ?? { published: 0, done: 0 }),
    backlog: sumOf([...(backlogs.get(second)?.values() ?? [])]),
  }))
}

/** Of the groups; null where one does not tell, or nobody was asked. */
function sumOf(backlogs: readonly (number | null)[]): number | null {
  if (backlogs.length === 0) return null
  return backlogs.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0)
}
