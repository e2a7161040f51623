import type { Room } from '../../core/driver.ts'
import type { Delivery, ErrorInfo } from '../../core/message.ts'
import type { Database } from './database.ts'
import { messageOf } from './messageRow.ts'
import { channelLane, high, low, rowId } from './schema.ts'

/** Who takes, and from where. */
export interface Taker {
  readonly channel: number
  readonly group: number
  readonly reader: number
  readonly charge: 'taken' | 'marked'
}

/** What stands in the rows of group, channel and reader when a transaction begins. */
export interface TakeState {
  readonly next_seq: number
  readonly end_seq: number
  readonly back: number
  readonly serial: number
}

/** What was taken: serials `first` to `last`; of the fresh ones, where they lie. */
export interface Taken {
  readonly first: number
  readonly last: number
  /** All of it ended with an owner before; else nothing did. */
  readonly isSuspect: boolean
  readonly fresh: { readonly serial: number; readonly seq: number; readonly lastSeq: number } | null
}

export interface BackRow {
  readonly crashes: number
  readonly due_ms: number
  readonly lane: number
  readonly seq: number
  readonly failures: number
  readonly past: string | null
  readonly bytes: number | null
}

/**
 * Inside a transaction: takes as much as there is room for. Suspects come first and alone: with
 * charge `taken` one, with `marked` those of one crash count. Then what was given back, then the
 * log. Returns null when there is nothing.
 */
export function take(
  db: Database,
  taker: Taker,
  state: TakeState,
  room: Room,
  nowMs: number,
): Taken | null {
  const first = state.serial + 1
  let serial = state.serial
  let bytes = 0
  let later = 0
  const rows = state.back > 0 ? backRows(db, taker, room, nowMs) : []
  for (const row of rows) {
    const size = row.bytes ?? 0
    if (serial >= first && bytes + size > room.bytes) break
    bytes += size
    if (row.due_ms > 0) later++
    moveBack(db, taker, row, ++serial)
  }
  const returned = serial - state.serial
  const isSuspect = (rows[0]?.crashes ?? 0) > 0
  let nextSeq = state.next_seq
  let count = returned
  let fresh: Taken['fresh'] = null
  if (!isSuspect && returned === rows.length && returned < room.messages) {
    const left = { messages: room.messages - returned, bytes: room.bytes - bytes }
    const run = freshRun(db, taker.channel, state, left, returned === 0)
    nextSeq = run.nextSeq
    if (run.count > 0) {
      fresh = { serial: serial + 1, seq: run.seq, lastSeq: run.nextSeq - 1 }
      holdRun(db, taker, fresh)
      serial += run.nextSeq - run.seq
      count += run.count
    }
  }
  if (count > 0 || nextSeq !== state.next_seq) {
    db.run(
      `UPDATE grp SET next_seq = ?2, in_flight = in_flight + ?3, back = back - ?4, later = later - ?5
       WHERE no = ?1`,
      taker.group,
      nextSeq,
      count,
      returned,
      later,
    )
  }
  return count === 0 ? null : { first, last: serial, isSuspect, fresh }
}

function backRows(db: Database, taker: Taker, room: Room, nowMs: number): BackRow[] {
  const suspect = db.get<{ crashes: number }>(
    `SELECT crashes FROM back WHERE grp = ?1 AND crashes > 0 AND due_ms <= ?2
     ORDER BY crashes LIMIT 1`,
    taker.group,
    nowMs,
  )
  return db.all<BackRow>(
    `SELECT b.crashes, b.due_ms, ${high('b.ref')} AS lane, ${low('b.ref')} AS seq, b.failures, b.past,
       octet_length(l.body) AS bytes
     FROM back b LEFT JOIN log l ON l.at = b.ref
     WHERE b.grp = ?1 AND b.crashes = ?2 AND b.due_ms <= ?3 ORDER BY b.due_ms, b.ref LIMIT ?4`,
    taker.group,
    suspect?.crashes ?? 0,
    nowMs,
    suspect && taker.charge === 'taken' ? 1 : room.messages,
  )
}

/** Into the hand of the taker. */
export function moveBack(db: Database, taker: Taker, row: BackRow, serial: number): void {
  db.run(
    `INSERT INTO held VALUES (${rowId('?1', '?2')}, ${rowId('?3', '?4')}, ?5, ?6, ?7)`,
    taker.reader,
    serial,
    row.lane,
    row.seq,
    row.failures,
    row.crashes,
    row.past,
  )
  db.run(
    `DELETE FROM back WHERE grp = ?1 AND crashes = ?2 AND due_ms = ?3 AND ref = ${rowId('?4', '?5')}`,
    taker.group,
    row.crashes,
    row.due_ms,
    row.lane,
    row.seq,
  )
}

interface Run {
  readonly seq: number
  readonly nextSeq: number
  readonly count: number
}

/** The next messages of the log that fit; the first fits always if `mayExceed`. */
function freshRun(
  db: Database,
  channel: number,
  state: TakeState,
  room: Room,
  mayExceed: boolean,
): Run {
  const none = { seq: state.next_seq, nextSeq: state.next_seq, count: 0 }
  if (state.next_seq >= state.end_seq) return none
  const lane = channelLane(channel)
  const [from, to] = [rowId('?1', '?2'), rowId('?1', '?3')]
  const [found] = db.cells(
    `SELECT count(*), sum(bytes), ${low('min(at)')}, ${low('max(at)')} FROM
       (SELECT at, octet_length(body) AS bytes FROM log WHERE at >= ${from} AND at < ${to} LIMIT ?4)`,
    lane,
    state.next_seq,
    state.end_seq,
    room.messages,
  )
  const [count, bytes, seq, last] = found as unknown as [number, number, number, number]
  if (count === 0) return { ...none, nextSeq: state.end_seq }
  if (bytes <= room.bytes) return { seq, nextSeq: last + 1, count }
  let sum = 0
  let run: Run = none
  for (const [at, size] of db.cells(
    `SELECT ${low('at')}, octet_length(body) FROM log WHERE at >= ${from} AND at < ${to} LIMIT ?4`,
    lane,
    state.next_seq,
    state.end_seq,
    room.messages,
  ) as unknown as [number, number][]) {
    sum += size
    if (sum > room.bytes && !(mayExceed && run.count === 0)) break
    run = { seq, nextSeq: at + 1, count: run.count + 1 }
  }
  return run
}

/** One statement for the whole run; a gap in the numbers becomes a gap in the serials. */
function holdRun(db: Database, taker: Taker, run: NonNullable<Taken['fresh']>): void {
  const lane = channelLane(taker.channel)
  db.run(
    `INSERT INTO held SELECT ${rowId('?1', '?2')} + at - ${rowId('?3', '?4')}, at, 0, 0, NULL FROM log
     WHERE at BETWEEN ${rowId('?3', '?4')} AND ${rowId('?3', '?5')}`,
    taker.reader,
    run.serial,
    lane,
    run.seq,
    run.lastSeq,
  )
}

export interface Owner {
  readonly name: string
  readonly channelName: string
  readonly channel: number
  readonly reader: number
  readonly ownedUntilMs: number
  /** What was taken is marked as begun. */
  readonly isBegun: boolean
}

/** Reads what was taken. Outside the transaction: what is held is not removed by anybody. */
export function readTaken(db: Database, owner: Owner, taken: Taken): Delivery[] {
  const { fresh } = taken
  const returnedTo = fresh ? fresh.serial - 1 : taken.last
  const returned = returnedTo >= taken.first ? readHeld(db, owner, taken.first, returnedTo) : []
  return fresh ? [...returned, ...readFresh(db, owner, fresh)] : returned
}

function readFresh(db: Database, owner: Owner, run: NonNullable<Taken['fresh']>): Delivery[] {
  const rows = db.cells(
    `SELECT ${low('at')}, id, time_ms, meta, body, octet_length(body) FROM log
     WHERE at BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`,
    channelLane(owner.channel),
    run.seq,
    run.lastSeq,
  ) as unknown as [number, string, number, string | null, string | Uint8Array, number][]
  return rows.map(([seq, id, timeMs, meta, body, bytes]) => {
    const { message, redrives } = messageOf(owner.channelName, { id, timeMs, meta, body }, bytes)
    return {
      token: { reader: owner.name, serial: run.serial + seq - run.seq },
      message,
      failures: 0,
      crashes: 0,
      redrives,
      past: null,
      ownedUntilMs: owner.ownedUntilMs,
      position: String(seq),
      isBegun: owner.isBegun,
    }
  })
}

/** Whatever this reader holds between two serials. */
export function readHeld(db: Database, owner: Owner, from: number, to: number): Delivery[] {
  const rows = db.cells(
    `SELECT ${low('h.token')}, h.failures, h.crashes, h.past, ${high('h.ref')}, ${low('h.ref')},
       l.id, l.time_ms, l.meta, l.body, octet_length(l.body)
     FROM held h JOIN log l ON l.at = h.ref
     WHERE h.token BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`,
    owner.reader,
    from,
    to,
  ) as unknown as [
    number,
    number,
    number,
    string | null,
    number,
    number,
    string,
    number,
    string | null,
    string | Uint8Array,
    number,
  ][]
  return rows.map(([serial, failures, crashes, past, lane, seq, id, timeMs, meta, body, bytes]) => {
    const { message, redrives } = messageOf(owner.channelName, { id, timeMs, meta, body }, bytes)
    return {
      token: { reader: owner.name, serial },
      message,
      failures,
      crashes,
      redrives,
      past: past === null ? null : (JSON.parse(past) as { firstFailedMs: number; last: ErrorInfo }),
      ownedUntilMs: owner.ownedUntilMs,
      isBegun: owner.isBegun,
      ...(lane === channelLane(owner.channel) ? { position: String(seq) } : {}),
    }
  })
}
