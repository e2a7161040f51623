import type { SubscriberSpec } from '../../core/channel.ts'
import type { Database } from './database.ts'
import { dropRead, makeInbox, sharedInbox } from './liveInbox.ts'

/**
 * member: is given messages. candidate: waits to be the lead. lead: the one relay that routes.
 * replaced: a lead whose lease has ended, and that has not heard yet what it missed by that.
 */
export type Role = 'member' | 'candidate' | 'lead' | 'replaced'

/** Who was stopped for longer than this is told of nothing. */
const replacedMs = 24 * 3_600_000

/** Read at the beginning of each transaction of a subscriber. */
export interface SubscriberState {
  readonly no: number
  readonly inbox: number
  readonly cursor: number
  readonly passed: number
  readonly next_seq: number
  readonly missed: number
  /** Where it stopped; null: it did not. */
  readonly until: number | null
  readonly opened: number
  readonly deadline_ms: number
}

/** Undefined when it is gone, or its channel. */
export function subscriberState(db: Database, no: number): SubscriberState | undefined {
  return db.get<SubscriberState>(
    `SELECT s.no, s.inbox, s.cursor, s.passed, coalesce(s.until, i.next_seq) AS next_seq, s.missed,
       s.until, s.opened, s.deadline_ms
     FROM subscriber s JOIN inbox i ON i.no = s.inbox JOIN channel c ON c.no = s.channel
     WHERE s.no = ? AND c.name < '~'`,
    no,
  )
}

/** Inside a transaction: a subscriber's row. Its lease begins now. */
export function addSubscriber(
  db: Database,
  channel: number,
  role: Role,
  inbox: number | null,
  { worker, leaseMs, hold }: SubscriberSpec,
  bell: string,
  nowMs: number,
): number {
  db.run(
    `INSERT INTO subscriber (channel, role, id, incarnation, inbox, cursor, passed, messages_max,
       bytes_max, deadline_ms, bell)
     VALUES (?1, ?2, ?3, ?4, ?5, coalesce((SELECT next_seq FROM inbox WHERE no = ?5), 1),
       coalesce((SELECT bytes FROM inbox WHERE no = ?5), 0), ?6, ?7, ?8, ?9)`,
    channel,
    role,
    worker.id,
    worker.incarnation,
    inbox,
    hold.messages,
    hold.bytes,
    Math.ceil(nowMs + leaseMs),
    bell,
  )
  return db.get<{ no: number }>('SELECT last_insert_rowid() AS no')?.no ?? 0
}

/** Inside a transaction: it is gone, with what it has not read. */
export function dropSubscriber(db: Database, no: number): void {
  const row = db.get<{ inbox: number | null }>('SELECT inbox FROM subscriber WHERE no = ?', no)
  if (!row) return
  db.run('DELETE FROM subscriber WHERE no = ?', no)
  if (row.inbox !== null) dropRead(db, row.inbox)
}

/** Inside a transaction: its lease has ended. What a lead had not read stays known, for it to tell. */
export function dropSilent(db: Database, no: number, nowMs: number): void {
  const owed = unreadOf(db, no)
  if (owed === 0) {
    dropSubscriber(db, no)
    return
  }
  const row = db.get<{ inbox: number }>('SELECT inbox FROM subscriber WHERE no = ?', no)
  db.run(
    `UPDATE subscriber SET role = 'replaced', inbox = NULL, waiting = 0, missed = ?2,
       deadline_ms = ?3 WHERE no = ?1`,
    no,
    owed,
    Math.ceil(nowMs + replacedMs),
  )
  if (row) dropRead(db, row.inbox)
}

/** Inside a transaction: it is gone. What it had not read where it was a lead, told once. */
export function dropLead(db: Database, no: number): number {
  const sql = `SELECT missed FROM subscriber WHERE no = ? AND role = 'replaced'`
  const owed = db.get<{ missed: number }>(sql, no)?.missed ?? unreadOf(db, no)
  dropSubscriber(db, no)
  return owed
}

/** What a lead was sent, and has not read or was not told of; 0 for any other. */
function unreadOf(db: Database, no: number): number {
  const row = db.get<{ n: number }>(
    `SELECT s.missed + max(0, coalesce(s.until, i.next_seq) - s.cursor) AS n
     FROM subscriber s JOIN inbox i ON i.no = s.inbox WHERE s.no = ? AND s.role = 'lead'`,
    no,
  )
  return row?.n ?? 0
}

/** Inside a transaction: whoever gave no sign of life for its lease is gone. Returns how many. */
export function dropExpired(db: Database, channel: number, nowMs: number): number {
  const expired = db.all<{ no: number }>(
    'SELECT no FROM subscriber WHERE channel = ? AND deadline_ms <= ?',
    channel,
    nowMs,
  )
  for (const { no } of expired) dropSilent(db, no, nowMs)
  return expired.length
}

export interface Joined {
  readonly no: number
  /** Which opening of this row it is: above 1 it goes on where an earlier session broke off. */
  readonly opened: number
  /** Whoever had this place before and may be waiting. */
  readonly bells: readonly string[]
}

interface MemberRow {
  readonly no: number
  readonly incarnation: string
  readonly opened: number
  readonly bell: string
}

/**
 * Inside a transaction: makes a member, or takes up the one of this very worker with what it has
 * not read. An older start of the worker is gone: there is one receiver under one id. Null: this
 * very session has it open.
 */
export function join(
  db: Database,
  channel: { readonly no: number; readonly pattern: string },
  spec: SubscriberSpec,
  bell: string,
  nowMs: number,
): Joined | null {
  dropExpired(db, channel.no, nowMs)
  const row = db.get<MemberRow>(
    `SELECT no, incarnation, opened, bell FROM subscriber
     WHERE channel = ? AND role = 'member' AND id = ?`,
    channel.no,
    spec.worker.id,
  )
  const bells = row ? [row.bell] : []
  if (row?.incarnation === spec.worker.incarnation) {
    if (row.bell === bell) return null
    db.run(
      `UPDATE subscriber SET deadline_ms = ?2, messages_max = ?3, bytes_max = ?4, bell = ?5,
         waiting = 0, until = NULL, opened = opened + 1 WHERE no = ?1`,
      row.no,
      Math.ceil(nowMs + spec.leaseMs),
      spec.hold.messages,
      spec.hold.bytes,
      bell,
    )
    return { no: row.no, opened: row.opened + 1, bells }
  }
  if (row) dropSubscriber(db, row.no)
  const isShared = channel.pattern === 'broadcast'
  const inbox = isShared ? sharedInbox(db, channel.no) : makeInbox(db, channel.no)
  return {
    no: addSubscriber(db, channel.no, 'member', inbox, spec, bell, nowMs),
    opened: 1,
    bells,
  }
}
