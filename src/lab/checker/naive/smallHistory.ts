import type { ActorEventName, ActorId, Evidence, LabEvent, Role } from '../../evidence/evidence.ts'
import { type LedgerRecord, notTold, type RecordType } from '../../evidence/record.ts'
import { causes, type Terms } from '../../terms.ts'
import type { GroupAccount } from '../accounting.ts'
import { naiveAccount } from '../naive.ts'
import { ledgerOf } from './ledgerOf.ts'

/** Type, sequence of p0.0 (null: about no message), milliseconds, and what else is not zero. */
export type Entry = readonly [RecordType, number | null, number, Partial<LedgerRecord>?]

/** `worker 1.0` or `broker stop`, what happened to it, and the milliseconds it took. */
type Incident = readonly [
  string,
  ActorEventName | 'BROKER_DOWN' | 'BROKER_UP',
  fromMs: number,
  toMs?: number,
]

/** A history written by hand; times in milliseconds. */
export interface History {
  /** By writer: `worker 1.0`, or `worker 1.0 of g` with its group. */
  readonly ledgers?: Readonly<Record<string, readonly Entry[]>>
  readonly events?: readonly Incident[]
  /** What is not as usual. */
  readonly terms?: Partial<Terms>
}

const guardMs = 2

/** What a cause explains, and what it only just does not. */
export type BothWays = readonly [
  what: string,
  explains: History | History[],
  not: History | History[],
]

export const usualTerms: Terms = {
  pattern: 'queue',
  delivery: 'at-least-once',
  mayLose: causes,
  mayRepeat: causes,
  tells: [],
  lossWindowMs: null,
  isSettleConfirmed: true,
  forgetsAcks: [],
  attempts: 2,
  deliveriesMax: 2,
  leaseMs: 0,
  isStoreShared: false,
  isOwnedByConnection: false,
  areCrashesMixed: false,
  inHandMax: 9,
  reclaimWithinMs: 5,
  resumes: false,
  isOrderedByKey: false,
  isRetentionReached: false,
}

/** All of them in one: of a ledger or a term that two have, the later; events by their time. */
export function together(...histories: readonly History[]): History {
  return {
    ledgers: Object.assign({}, ...histories.map(({ ledgers }) => ledgers)),
    events: histories.flatMap(({ events }) => events ?? []).toSorted((a, b) => a[2] - b[2]),
    terms: Object.assign({}, ...histories.map(({ terms }) => terms)),
  }
}

/** What worker 0.0 has written. */
export function worker(...entries: Entry[]): History {
  return { ledgers: { 'worker 0.0': entries } }
}

export function at(name: Incident[1], fromMs: number, toMs = fromMs, who = 'worker 0.0'): History {
  return { events: [[who, name, fromMs, toMs]] }
}

export function down(how: 'stop' | 'crash', fromMs: number, toMs = fromMs): History {
  return at('BROKER_DOWN', fromMs, toMs, `broker ${how}`)
}

/** Accepted 4 ms after it was sent. */
export function sent(sequence: number, atMs = 100): Entry[] {
  return [
    ['invoke', sequence, atMs],
    ['ok', sequence, atMs + 4, { count: notTold }],
  ]
}

/** What a checker is asked. */
export function questionOf(history: History): [evidence: Evidence, terms: Terms, guardMs: number] {
  const { ledgers = {}, events = [], terms = {} } = history
  const files = Object.entries(ledgers).map(([name, entries]) => {
    const [writer = '', group = null] = name.split(' of ')
    const lines = entries.map(([type, sequence, ms, rest]) => ({
      type,
      timeNs: nanoseconds(ms),
      ...(sequence === null ? {} : { producer: 0, sequence }),
      ...rest,
    }))
    return ledgerOf(actorOf(writer), group, lines)
  })
  const evidence = { ledgers: files, events: events.map(eventOf), depth: [] }
  return [evidence, { ...usualTerms, ...terms }, guardMs]
}

export function accountsOf(history: History): GroupAccount[] {
  return naiveAccount(...questionOf(history))
}

/** Of a history with one group. */
export function accountOf(history: History): GroupAccount {
  const [account, ...others] = accountsOf(history)
  if (account === undefined || others.length > 0) throw new Error('expected one group')
  return account
}

function actorOf(name: string): ActorId {
  const [role, start = ''] = name.split(' ')
  const [actor = 0, incarnation = 0] = start.split('.').map(Number)
  return { role: role as Role, actor, incarnation }
}

function eventOf([who, event, fromMs, toMs = fromMs]: Incident): LabEvent {
  const span = { fromNs: nanoseconds(fromMs), toNs: nanoseconds(toMs) }
  if (event === 'BROKER_UP') return { event, ...span }
  if (event !== 'BROKER_DOWN') return { event, ...actorOf(who), ...span }
  return { event, how: who === 'broker stop' ? 'stop' : 'crash', ...span }
}

function nanoseconds(ms: number): bigint {
  return BigInt(ms) * 1_000_000n
}
