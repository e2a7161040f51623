import type { TimedEvent } from '../../checker/history.ts'
import { eachRecord } from '../../checker/recordCursor.ts'
import type { ActorId, LedgerFile, Sidecar } from '../../evidence/evidence.ts'
import { recordTypes } from '../../evidence/record.ts'
import { binAt, type TimeBins } from './timeBins.ts'

export type LaneState = 'alive' | 'draining' | 'stopped' | 'cut off'

export interface LaneSpan {
  readonly state: LaneState
  readonly fromMs: number
  readonly toMs: number
}

/** One worker or relay over all its starts. Between its spans it is dead. */
export interface Lane {
  readonly role: ActorId['role']
  readonly actor: number
  readonly group: string | null
  /** By their beginning; a stop or a cut lies over the life that it interrupts. */
  readonly spans: readonly LaneSpan[]
  /** When it was killed, or ended by itself. */
  readonly deathsMs: readonly number[]
  /** Messages done, or routed by a relay, by time. */
  readonly ticks: Uint32Array
  readonly total: number
}

const shown: readonly ActorId['role'][] = ['relay', 'worker', 'drainReader']

/** By role and number. `ticksOf`: of each ledger. */
export function lanesOf(
  ledgers: readonly Sidecar[],
  events: readonly TimedEvent[],
  ticksOf: readonly (Uint32Array | null)[],
  baseMs: number,
  toMs: number,
): Lane[] {
  const names = new Map<string, { whose: ActorId; group: string | null; ticks: Uint32Array[] }>()
  ledgers.forEach((ledger, at) => {
    const ticks = ticksOf[at]
    if (!ticks) return
    const name = nameOf(ledger)
    const lane = names.get(name) ?? { whose: ledger, group: ledger.group, ticks: [] }
    lane.ticks.push(ticks)
    names.set(name, lane)
  })
  return [...names]
    .map(([name, { whose, group, ticks }]) => {
      const own = events.filter(({ actor }) => actor !== null && nameOf(actor) === name)
      const sum = new Uint32Array(ticks[0]?.length ?? 0)
      for (const one of ticks)
        for (const [bin, count] of one.entries()) sum[bin] = (sum[bin] as number) + count
      return {
        ...{ role: whose.role, actor: whose.actor, group },
        ...livesOf(own, baseMs, toMs),
        ticks: sum,
        total: sum.reduce((all, count) => all + count, 0),
      }
    })
    .sort((a, b) => shown.indexOf(a.role) - shown.indexOf(b.role) || a.actor - b.actor)
}

/** What one ledger did, by time; null of whom no lane is drawn. */
export function laneTicks(
  { sidecar, bytes }: LedgerFile,
  bins: TimeBins,
  zeroNs: bigint,
): Uint32Array | null {
  if (!shown.includes(sidecar.role)) return null
  const ticks = new Uint32Array(bins.count)
  eachRecord(bytes, zeroNs, ({ type, timeNs }) => {
    if (type !== recordTypes.done && type !== recordTypes.routed) return
    const bin = binAt(bins, timeNs / 1e6)
    ticks[bin] = (ticks[bin] as number) + 1
  })
  return ticks
}

function nameOf({ role, actor }: ActorId): string {
  return `${role} ${actor}`
}

function livesOf(
  events: readonly TimedEvent[],
  baseMs: number,
  endMs: number,
): Pick<Lane, 'spans' | 'deathsMs'> {
  const spans: LaneSpan[] = []
  const deathsMs: number[] = []
  const since = new Map<LaneState, number>()
  const begin = (state: LaneState, ms: number) => void (since.has(state) || since.set(state, ms))
  const end = (state: LaneState, toMs: number) => {
    const fromMs = since.get(state)
    since.delete(state)
    if (fromMs !== undefined && toMs > fromMs) spans.push({ state, fromMs, toMs })
  }
  const endAll = (ms: number) => {
    for (const state of [...since.keys()]) end(state, ms)
  }
  for (const { event, actor, fromNs, toNs } of events) {
    const fromMs = baseMs + fromNs / 1e6
    const toMs = baseMs + toNs / 1e6
    const isBack = actor?.role === 'relay' ? event === 'READY' : event === 'SUBSCRIBED'
    if (isBack) begin('alive', toMs)
    else if (event === 'STOP' || event === 'BLOCK') begin('stopped', fromMs)
    else if (event === 'CONT' || event === 'UNBLOCK') end('stopped', toMs)
    else if (event === 'NET_ON') begin('cut off', fromMs)
    else if (event === 'NET_OFF') end('cut off', toMs)
    else if (event === 'LEAVE') {
      begin('draining', fromMs)
      endAll(toMs)
    } else if (event === 'KILL' || event === 'EXIT') {
      if (since.has('alive')) deathsMs.push(fromMs)
      endAll(fromMs)
    }
  }
  endAll(endMs)
  return { spans: spans.sort((a, b) => a.fromMs - b.fromMs), deathsMs }
}
