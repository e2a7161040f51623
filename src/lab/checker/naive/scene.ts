import type { ActorId, Evidence, LabEvent } from '../../evidence/evidence.ts'
import {
  type LedgerRecord,
  noProducer,
  type RecordType,
  readRecord,
  recordBytes,
} from '../../evidence/record.ts'
import type { Identity } from '../../identity.ts'
import type { Terms } from '../../terms.ts'

/** A record, who wrote it, the name of its message, and its place among all records. */
export interface Told extends LedgerRecord {
  readonly by: string
  readonly m: string
  readonly place: number
}

/** An event, of whom (the broker: ''), and its place in the list. */
export interface Happened {
  readonly event: LabEvent['event']
  readonly how: string
  readonly role: string
  readonly by: string
  readonly fromNs: bigint
  readonly toNs: bigint
  readonly place: number
}

export interface Message {
  readonly m: string
  readonly identity: Identity
  readonly key: number
  /** Attempts that may have stored something. */
  readonly copies: number
  readonly outcome: 'ok' | 'info' | 'fail'
  readonly sentNs: bigint
  /** For ever, unless it is ok. */
  readonly okAtNs: bigint
}

/** All that one group's account may rest on. Records stand in order of ledgers, then of records. */
export interface Scene {
  readonly terms: Terms
  readonly guardNs: bigint
  readonly events: readonly Happened[]
  readonly all: readonly Told[]
  readonly sends: readonly Told[]
  readonly routes: readonly Told[]
  /** In the ledgers of the group. */
  readonly ours: readonly Told[]
  /** Names of the actors of the group that can be handed a message. */
  readonly workers: readonly string[]
  /** By producer, incarnation and sequence. */
  readonly messages: readonly Message[]
}

/** Later than any time. */
export const forever = 1n << 80n

export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1_000_000))
}

export function actorName({ role, actor, incarnation }: ActorId): string {
  return `${role} ${actor}.${incarnation}`
}

export function messageName({ producer, incarnation, sequence }: Identity): string {
  return `${producer}.${incarnation}.${sequence}`
}

export function those(told: readonly Told[], type: RecordType, message: Message): Told[] {
  return told.filter((record) => record.type === type && record.m === message.m)
}

/** Ties stay in order of ledgers, then of records. */
export function inTime(told: readonly Told[]): Told[] {
  return told.toSorted((one, other) => Number(one.timeNs - other.timeNs))
}

/** The latest of these times. */
export function latest(first: bigint, ...others: readonly bigint[]): bigint {
  return others.toSorted((one, other) => Number(one - other)).findLast((at) => at > first) ?? first
}

export function sceneOf(
  evidence: Evidence,
  terms: Terms,
  guardMs: number,
  group: string | null,
): Scene {
  const files = evidence.ledgers.map(({ sidecar, bytes }, at) => ({
    sidecar,
    told: recordsIn(bytes, actorName(sidecar), at),
  }))
  const isOfGroup = (roles: readonly string[]) =>
    files.filter(({ sidecar }) => roles.includes(sidecar.role) && sidecar.group === group)
  const written = (role: string) =>
    files.filter(({ sidecar }) => sidecar.role === role).flatMap(({ told }) => told)
  const sends = written('producer')
  return {
    terms,
    guardNs: nanoseconds(guardMs),
    events: evidence.events.map(happened).filter(isNews),
    all: files.flatMap(({ told }) => told),
    sends,
    routes: written('relay'),
    ours: isOfGroup(['worker', 'deadReader', 'drainReader']).flatMap(({ told }) => told),
    workers: isOfGroup(['worker', 'drainReader']).map(({ sidecar }) => actorName(sidecar)),
    messages: messagesOf(sends),
  }
}

function recordsIn(bytes: Uint8Array, by: string, ledger: number): Told[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const told: Told[] = []
  for (let at = 0; at + recordBytes <= bytes.byteLength; at += recordBytes) {
    const record = readRecord(view, at)
    if (record === null) continue
    told.push({ ...record, by, m: messageName(record), place: ledger * 1_000_000 + at })
  }
  return told
}

function happened(event: LabEvent, place: number): Happened {
  return {
    event: event.event,
    how: 'how' in event ? event.how : '',
    role: 'role' in event ? event.role : '',
    by: 'role' in event ? actorName(event) : '',
    fromNs: event.fromNs,
    toNs: event.toNs,
    place,
  }
}

/** What was killed exits too: that is one end, not two. */
function isNews({ event, by }: Happened, place: number, all: readonly Happened[]): boolean {
  return (
    event !== 'EXIT' || !all.slice(0, place).some((one) => one.event === 'KILL' && one.by === by)
  )
}

function messagesOf(sends: readonly Told[]): Message[] {
  const names = new Map<string, Identity>()
  for (const { type, m, producer, incarnation, sequence } of sends) {
    if (type === 'invoke' && producer !== noProducer) {
      names.set(m, { producer, incarnation, sequence })
    }
  }
  return [...names]
    .map(([m, identity]) => messageOf(m, identity, sends))
    .toSorted((one, other) => byIdentity(one, other))
}

function messageOf(m: string, identity: Identity, sends: readonly Told[]): Message {
  const of = (type: RecordType) =>
    inTime(sends.filter((record) => record.type === type && record.m === m))
  const [invokes, oks, fails, infos] = [of('invoke'), of('ok'), of('fail'), of('info')]
  const isOpen = invokes.length > oks.length + fails.length + infos.length
  const isUnknown = infos.length > 0 || isOpen
  return {
    m,
    identity,
    copies: invokes.length - fails.length - oks.filter(({ flags }) => flags === 1).length,
    outcome: oks.length > 0 ? 'ok' : isUnknown ? 'info' : 'fail',
    key: invokes[0]?.key ?? 0,
    sentNs: invokes[0]?.timeNs ?? forever,
    okAtNs: oks[0]?.timeNs ?? forever,
  }
}

/** The first 32, as an account names them. */
export function firstOf(messages: readonly Message[]): Identity[] {
  return messages
    .toSorted(byIdentity)
    .slice(0, 32)
    .map(({ identity }) => identity)
}

export function byIdentity({ identity: one }: Message, { identity: other }: Message): number {
  return (
    one.producer - other.producer ||
    one.incarnation - other.incarnation ||
    one.sequence - other.sequence
  )
}
