import type { ActorEventName, LabEvent } from '../evidence/evidence.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import type { TrailLine } from './types.ts'

export interface Row extends TrailLine {
  /** Whose hands the message came into by this; null: nobody's. */
  readonly hand: string | null
}

type Incident = TrailLine

const told: readonly (ActorEventName | 'BROKER_DOWN' | 'BROKER_UP')[] = [
  'KILL',
  'STOP',
  'CONT',
  'BLOCK',
  'UNBLOCK',
  'LEAVE',
  'EXIT',
  'NET_ON',
  'NET_OFF',
  'BROKER_DOWN',
  'BROKER_UP',
]
const broker = 'broker'

/** What happened to actors and to the broker, by time. */
export function incidentsOf(events: readonly LabEvent[], zeroNs: bigint): Incident[] {
  return events
    .filter(({ event }) => told.includes(event))
    .map((one) => ({
      atMs: Number(one.fromNs - zeroNs) / 1e6,
      who: 'role' in one ? ledgerName(one) : broker,
      what: one.event,
      detail: one.event === 'BROKER_DOWN' ? one.how : '',
    }))
}

/**
 * The rows of one message, by time, and between them what happened to those that had it in hand,
 * until they gave it back, and to the broker while it had the message.
 */
export function withIncidents(rows: readonly Row[], incidents: readonly Incident[]): TrailLine[] {
  const fromMs = rows[0]?.atMs ?? 0
  const lastMs = rows.at(-1)?.atMs ?? 0
  const isSettled = rows.some(({ what }) => ['DONE', 'DEAD', 'LEFT'].includes(what))
  const ofBroker = incidents.filter(({ who, atMs }) => who === broker && atMs >= fromMs)
  const during = ofBroker.filter(({ atMs }) => atMs <= lastMs)
  // What is lost may have gone down with the broker later.
  const after = isSettled || during.length > 0 ? [] : ofBroker.slice(0, 2)
  const hands = new Set(rows.flatMap(({ hand }) => hand ?? []))
  const ofHands = [...hands].flatMap((hand) => whileIn(hand, rows, incidents, lastMs))
  return [...rows, ...during, ...after, ...ofHands].sort((a, b) => a.atMs - b.atMs)
}

function whileIn(
  hand: string,
  rows: readonly Row[],
  incidents: readonly Incident[],
  lastMs: number,
): Incident[] {
  const fromMs = rows.find((row) => row.hand === hand)?.atMs as number
  const own = rows.filter(({ who }) => who === hand)
  const settled = own.findLast(({ what }) => what === 'SETTLED')
  const isOver = own.some(({ what }) => what === 'DONE' || what === 'THROW')
  const all = incidents.filter(({ who, atMs }) => who === hand && atMs >= fromMs)
  if (settled) return all.filter(({ atMs }) => atMs <= settled.atMs)
  if (isOver) return all.filter(({ atMs }) => atMs <= lastMs)
  // What was never finished there may have gone down with it later.
  const end = all.find(({ what }) => what === 'KILL' || what === 'EXIT')
  return all.filter(({ atMs }) => atMs <= Math.max(lastMs, end?.atMs ?? lastMs))
}
