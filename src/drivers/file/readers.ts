import type { Ordering, ReaderSpec } from '../../core/channel.ts'
import type { Token } from '../../core/message.ts'
import type { Database } from './database.ts'
import { lostOf } from './lostTokens.ts'
import { agreeOnOrder } from './ordering.ts'
import { endReader, giveBack } from './reclaim.ts'
import type { Regained } from './regained.ts'
import { low, rowId } from './schema.ts'

/** What is held of a reader and around it, read at the beginning of each of its transactions. */
export interface ReaderState {
  readonly no: number
  readonly grp: number
  readonly channel: number
  readonly charge: string
  readonly begun: number
  readonly serial: number
  readonly opened: number
  readonly lost: number
  readonly deadline_ms: number
  readonly next_seq: number
  readonly back: number
  readonly end_seq: number
  readonly paused: number
  readonly scheduled: number
  readonly ordering: Ordering
}

export function readerState(db: Database, reader: number): ReaderState | undefined {
  return db.get<ReaderState>(
    `SELECT r.no, r.grp, r.channel, r.charge, r.begun, r.serial, r.opened, r.lost, r.deadline_ms,
       g.next_seq, g.back, g.ordering, c.next_seq AS end_seq, c.paused, c.scheduled
     FROM reader r JOIN grp g ON g.no = r.grp JOIN channel c ON c.no = g.channel
     WHERE r.no = ? AND g.name < '~' AND c.name < '~'`,
    reader,
  )
}

/**
 * Inside a transaction: when its own lease has ended, a reader loses what it holds, as if another
 * one had looked. Returns true when it had.
 */
export function expireSelf(db: Database, state: ReaderState, nowMs: number): boolean {
  if (state.deadline_ms === 0 || state.deadline_ms > nowMs) return false
  giveBack(db, state, 'expired', true, Number.MAX_SAFE_INTEGER)
  endReader(db, state.no, nowMs)
  return true
}

export interface OpenedReader {
  readonly no: number
  readonly opened: number
  /** What it held and does not have in hand any more: it comes out of `receive` again. */
  readonly regained: readonly Regained[]
  /** What it has in hand but does not own any more. */
  readonly lost: readonly Token[]
  /** Its counter of losses, and the serials that were lost before. */
  readonly lostCount: number
  readonly lostBefore: readonly number[]
}

/**
 * Inside a transaction: makes the row of a reader, or takes up the one of this very name.
 * @throws CONFLICT where its group is read in another order.
 */
export function openReader(
  db: Database,
  channel: number,
  group: number,
  spec: ReaderSpec,
  bell: string,
  nowMs: number,
): OpenedReader {
  agreeOnOrder(db, group, spec, nowMs)
  const row = db.get<{ no: number }>(
    'SELECT no FROM reader WHERE grp = ? AND name = ?',
    group,
    spec.reader,
  )
  const deadlineMs = Math.ceil(nowMs + spec.leaseMs)
  if (!row) {
    db.run(
      `INSERT INTO reader (channel, grp, name, worker, deadline_ms, charge, bell)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      channel,
      group,
      spec.reader,
      spec.worker.id,
      deadlineMs,
      spec.charge,
      bell,
    )
    const made = db.get<{ no: number }>('SELECT last_insert_rowid() AS no')
    const fresh = { regained: [], lostCount: 0, lostBefore: [] }
    return { no: made?.no ?? 0, opened: 1, ...fresh, lost: [...spec.holding] }
  }
  const state = readerState(db, row.no) as ReaderState
  expireSelf(db, state, nowMs)
  const holding = spec.holding.filter(({ reader }) => reader === spec.reader)
  const inHand = JSON.stringify(holding.map(({ serial }) => serial))
  const own = `token >= ${rowId('?1', '0')} AND token < ${rowId('?1 + 1', '0')}`
  const rest = `${own} AND ${low('token')} NOT IN (SELECT value FROM json_each(?2))`
  db.run(`INSERT INTO lost SELECT token, NULL FROM held WHERE ${rest}`, row.no, inHand)
  const moved = db.run(
    `UPDATE held SET token = token + CAST(?3 AS INTEGER) WHERE ${rest}`,
    row.no,
    inHand,
    state.serial,
  )
  const serial = moved > 0 ? state.serial * 2 : state.serial
  db.run(
    `UPDATE reader SET deadline_ms = ?2, worker = ?3, charge = ?4, bell = ?5, serial = ?6, waiting = 0,
       opened = opened + 1
     WHERE no = ?1`,
    row.no,
    deadlineMs,
    spec.worker.id,
    spec.charge,
    bell,
    serial,
  )
  const regained = db.all<Regained>(
    `SELECT ${low('h.token')} AS serial, h.crashes, octet_length(l.body) AS bytes
     FROM held h JOIN log l ON l.at = h.ref
     WHERE h.token > ${rowId('?1', '?2')} AND h.token < ${rowId('?1 + 1', '0')}`,
    row.no,
    state.serial,
  )
  const stillHeld = new Set(
    db
      .all<{ serial: number }>(`SELECT ${low('token')} AS serial FROM held WHERE ${own}`, row.no)
      .map((held) => held.serial),
  )
  const lost = spec.holding.filter(
    (token) => token.reader !== spec.reader || !stillHeld.has(token.serial),
  )
  return {
    no: row.no,
    opened: state.opened + 1,
    regained,
    lost,
    lostCount: readerState(db, row.no)?.lost ?? 0,
    lostBefore: lostOf(db, row.no).map(({ serial: before }) => before),
  }
}
