import type { Room } from '../../core/driver.ts'
import type { Database } from './database.ts'
import { behind, fillLanes, keyOf } from './lanes.ts'
import { channelLane, high, low, rowId } from './schema.ts'
import { type BackRow, moveBack, type Taken, type Taker, type TakeState } from './take.ts'

/** Messages looked at in one transaction; each is put behind its key once, and not seen again. */
const lookMax = 1_000

export interface TakenByKey {
  readonly taken: Taken | null
  /** Nothing was found so far, but not everything was looked at. */
  readonly isMore: boolean
}

/**
 * Inside a transaction: takes as `take` does, of each key one message, and none of a key that has
 * one at its head. What it meets on the way is put behind that.
 */
export function takeByKey(
  db: Database,
  taker: Taker,
  state: TakeState,
  room: Room,
  nowMs: number,
): TakenByKey {
  const back = state.back > 0 ? takeBack(db, taker, state, room, nowMs) : nothing
  const left = { messages: room.messages - back.count, bytes: room.bytes - back.bytes }
  const mayGoOn = !back.isSuspect && !back.isMore && left.messages > 0
  const start = { nextSeq: state.next_seq, serial: state.serial + back.count }
  const fresh = mayGoOn
    ? takeFresh(db, taker, { ...start, endSeq: state.end_seq }, left, back.count === 0)
    : { ...start, count: 0, behind: 0, isMore: false }
  const count = back.count + fresh.count
  const moved = back.behind + fresh.behind
  if (count + moved > 0 || fresh.nextSeq !== state.next_seq) {
    db.run(
      `UPDATE grp SET next_seq = ?2, in_flight = in_flight + ?3, back = back + ?4, later = later - ?5,
         behind = behind + ?6
       WHERE no = ?1`,
      taker.group,
      fresh.nextSeq,
      count,
      fresh.behind - back.count,
      back.later,
      moved,
    )
  }
  const last = state.serial + count
  const { isSuspect } = back
  const taken = count === 0 ? null : { first: state.serial + 1, last, isSuspect, fresh: null }
  return { taken, isMore: count === 0 && (back.isMore || fresh.isMore) }
}

interface Back {
  readonly count: number
  readonly bytes: number
  /** Those that were due, taken or not. */
  readonly later: number
  readonly behind: number
  readonly isSuspect: boolean
  /** There may be more that is ready. */
  readonly isMore: boolean
}

const nothing: Back = { count: 0, bytes: 0, later: 0, behind: 0, isSuspect: false, isMore: false }

type KeyedRow = BackRow & { readonly key: string | null }

/** What was given back, suspects first and apart. What is due may find its key taken. */
function takeBack(
  db: Database,
  taker: Taker,
  { serial }: TakeState,
  room: Room,
  nowMs: number,
): Back {
  const pageMax = Math.max(room.messages, 100)
  const rows = backPage(db, taker.group, nowMs, pageMax)
  const isSuspect = (rows[0]?.crashes ?? 0) > 0
  const most = isSuspect && taker.charge === 'taken' ? 1 : room.messages
  let [count, bytes, later, behindCount, looked] = [0, 0, 0, 0, 0]
  for (const row of rows) {
    const size = row.bytes ?? 0
    if (count >= most || (count > 0 && bytes + size > room.bytes)) break
    looked++
    if (row.due_ms > 0) later++
    if (row.key !== null && !enterLane(db, taker.group, row)) {
      putBehind(db, taker.group, row)
      behindCount++
      continue
    }
    moveBack(db, taker, row, serial + ++count)
    bytes += size
  }
  const isMore = looked < rows.length || rows.length === pageMax || (isSuspect && count === 0)
  return { count, bytes, later, behind: behindCount, isSuspect: isSuspect && count > 0, isMore }
}

function backPage(db: Database, group: number, nowMs: number, max: number): KeyedRow[] {
  const suspect = db.get<{ crashes: number }>(
    `SELECT crashes FROM back WHERE grp = ?1 AND crashes > 0 AND due_ms <= ?2
     ORDER BY crashes LIMIT 1`,
    group,
    nowMs,
  )
  return db.all<KeyedRow>(
    `SELECT b.crashes, b.due_ms, ${high('b.ref')} AS lane, ${low('b.ref')} AS seq, b.failures, b.past,
       octet_length(l.body) AS bytes, b.key
     FROM back b LEFT JOIN log l ON l.at = b.ref
     WHERE b.grp = ?1 AND b.crashes = ?2 AND b.due_ms <= ?3 ORDER BY b.due_ms, b.ref LIMIT ?4`,
    group,
    suspect?.crashes ?? 0,
    nowMs,
    max,
  )
}

/** False when another message stands there. */
function enterLane(db: Database, group: number, { key, lane, seq }: KeyedRow): boolean {
  const sql = `INSERT OR IGNORE INTO lane VALUES (?1, ?2, ${rowId('?3', '?4')})`
  return db.run(sql, group, key, lane, seq) > 0
}

function putBehind(db: Database, group: number, row: KeyedRow): void {
  db.run(
    `UPDATE back SET due_ms = ${behind('CAST(?5 AS INTEGER)')}
     WHERE grp = ?1 AND crashes = ?2 AND due_ms = ?3 AND ref = ${rowId('?4', '?5')}`,
    group,
    row.crashes,
    row.due_ms,
    row.lane,
    row.seq,
  )
}

interface Fresh {
  readonly nextSeq: number
  readonly serial: number
  readonly count: number
  readonly behind: number
  readonly isMore: boolean
}

/** Along the log, in pages that grow as long as keys are found taken. */
function takeFresh(
  db: Database,
  taker: Taker,
  from: { readonly nextSeq: number; readonly endSeq: number; readonly serial: number },
  room: Room,
  mayExceed: boolean,
): Fresh {
  let { nextSeq, serial } = from
  let [count, bytes, behindCount, looked] = [0, 0, 0, 0]
  for (let pageMax = room.messages; nextSeq < from.endSeq && looked < lookMax; pageMax *= 4) {
    const max = Math.min(pageMax, lookMax - looked)
    const left = { messages: room.messages - count, bytes: room.bytes - bytes }
    const isFirst = mayExceed && count === 0
    const page = lookAlong(db, taker, nextSeq, from.endSeq, max, left, isFirst)
    if (page.looked > 0 || page.isEnd) {
      const waiting = cameBack(db, taker.group, nextSeq, page.nextSeq)
      if (page.looked > 0) place(db, taker, nextSeq, page.nextSeq - 1, serial + 1, page.behind > 0)
      if (waiting.length > 0) fillLanes(db, taker.group, page.nextSeq, waiting)
    }
    nextSeq = page.nextSeq
    serial += page.count
    count += page.count
    bytes += page.bytes
    behindCount += page.behind
    looked += page.looked
    if (page.isFull || count >= room.messages) break
  }
  return { nextSeq, serial, count, behind: behindCount, isMore: nextSeq < from.endSeq }
}

interface KeyPage {
  readonly nextSeq: number
  readonly looked: number
  readonly count: number
  readonly bytes: number
  readonly behind: number
  /** The next one does not fit. */
  readonly isFull: boolean
  readonly isEnd: boolean
}

/** Decides what of a page is taken and what goes behind its key, without changing anything. */
function lookAlong(
  db: Database,
  { channel, group }: Taker,
  from: number,
  end: number,
  max: number,
  room: Room,
  mayExceed: boolean,
): KeyPage {
  const rows = db.cells(
    `SELECT seq, bytes, key, key IS NOT NULL AND EXISTS (SELECT 1 FROM lane WHERE grp = ?5 AND lane.key = p.key)
     FROM (SELECT ${low('at')} AS seq, octet_length(body) AS bytes, ${keyOf('meta')} AS key FROM log
       WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1', '?3')} LIMIT ?4) p`,
    channelLane(channel),
    from,
    end,
    max,
    group,
  ) as unknown as [number, number, string | null, number][]
  const seen = new Set<string>()
  let [nextSeq, looked, count, bytes, behindCount] = [from, 0, 0, 0, 0]
  for (const [seq, size, key, isTaken] of rows) {
    if (key !== null && (isTaken || seen.has(key))) behindCount++
    else {
      const isOver = bytes + size > room.bytes && !(mayExceed && count === 0)
      if (count >= room.messages || isOver) {
        return { nextSeq, looked, count, bytes, behind: behindCount, isFull: true, isEnd: false }
      }
      if (key !== null) seen.add(key)
      count++
      bytes += size
    }
    nextSeq = seq + 1
    looked++
  }
  const isEnd = rows.length < max
  if (isEnd) nextSeq = end
  return { nextSeq, looked, count, bytes, behind: behindCount, isFull: false, isEnd }
}

/** Keys of dead letters that came back, and whose turn comes between two places of the log. */
function cameBack(db: Database, group: number, from: number, to: number): string[] {
  return db
    .all<{ key: string }>(
      `SELECT key FROM back WHERE grp = ?1 AND crashes = 0 AND key IS NOT NULL
         AND due_ms >= ${behind('CAST(?2 AS INTEGER)')} AND due_ms < ${behind('CAST(?3 AS INTEGER)')}`,
      group,
      from,
      to,
    )
    .map(({ key }) => key)
}

/** Carries out what was decided: heads into lanes and into the hand, the rest behind. */
function place(
  db: Database,
  { channel, group, reader }: Taker,
  first: number,
  last: number,
  serial: number,
  isBehind: boolean,
): void {
  const range = `at BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`
  const bounds = [channelLane(channel), first, last] as const
  const keyed = `SELECT at, ${keyOf('meta')} AS key FROM log WHERE ${range}`
  db.run(
    `INSERT OR IGNORE INTO lane SELECT ?4, key, at FROM (${keyed}) WHERE key IS NOT NULL ORDER BY at`,
    ...bounds,
    group,
  )
  const isHead = 'EXISTS (SELECT 1 FROM lane WHERE lane.ref = at AND lane.grp = ?4)'
  if (isBehind) {
    db.run(
      `INSERT INTO back (grp, crashes, due_ms, ref, failures, key)
       SELECT ?4, 0, ${behind(low('at'))}, at, 0, key FROM (${keyed})
       WHERE key IS NOT NULL AND NOT ${isHead}`,
      ...bounds,
      group,
    )
  }
  db.run(
    `INSERT INTO held SELECT ${rowId('?5', '?6')} + row_number() OVER (ORDER BY at) - 1, at, 0, 0, NULL
     FROM (${keyed}) WHERE key IS NULL OR ${isHead}`,
    ...bounds,
    group,
    reader,
    serial,
  )
}
