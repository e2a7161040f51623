import type { ChannelRef, Ordering } from '../../core/channel.ts'
import type { Depth, GroupInfo } from '../../core/driver.ts'
import { isLive } from '../../core/message.ts'
import { type ChannelRow, findChannel } from './channels.ts'
import type { Database } from './database.ts'
import { gapsFrom } from './gaps.ts'
import { behindFrom } from './lanes.ts'
import { channelLane, low, rowId } from './schema.ts'

interface CountRow {
  readonly next_seq: number
  readonly stored: number
  readonly scheduled: number
  readonly total_in: number
  readonly paused: number
}

interface GroupCountRow {
  readonly no: number
  readonly name: string
  readonly next_seq: number
  readonly in_flight: number
  readonly back: number
  readonly later: number
  readonly dead: number
  readonly total_out: number
  readonly behind: number
  readonly ordering: Ordering
}

const groupsSql = `SELECT no, name, next_seq, in_flight, back, later, dead, total_out, behind,
    ordering
  FROM grp WHERE channel = ? AND name < '~' ORDER BY name`
const countsSql = 'SELECT next_seq, stored, scheduled, total_in, paused FROM channel WHERE no = ?'

/** Kept counters, and of what is due or overdue by now but not moved yet, its count. */
export function depthOf(db: Database, { name, pattern }: ChannelRef, nowMs: number): Depth | null {
  const channel = findChannel(db, name)
  if (channel?.pattern !== pattern || isLive(pattern)) return null
  const counts = db.get<CountRow>(countsSql, channel.no)
  if (!counts) return null
  const groups = db.all<GroupCountRow>(groupsSql, channel.no)
  const lines = groups.map((group) => lineOf(db, channel, counts, group, nowMs))
  const sum = (of: (line: Line) => number) => lines.reduce((total, line) => total + of(line), 0)
  const due = dueNow(db, channel.no, counts, nowMs)
  const waiting = sum((line) => line.waiting) + due * groups.length
  const scheduled = sum((line) => line.later) + counts.scheduled - due
  const inFlight = sum((line) => line.inFlight)
  return {
    waiting,
    inFlight,
    scheduled,
    dead: sum((line) => line.dead),
    stored: pattern === 'queue' ? waiting + inFlight + scheduled : counts.stored + counts.scheduled,
    in: counts.total_in,
    out: sum((line) => line.out),
    oldestMs: Math.max(0, ...lines.map((line) => line.oldestMs)),
    paused: counts.paused !== 0,
    order: pattern === 'queue' ? (groups[0]?.ordering ?? 'none') : null,
  }
}

/** What a reader of this group could be handed now; the keeper adds what is due within a second. */
export function deliverableOf(
  db: Database,
  channel: ChannelRow,
  group: number,
  nowMs: number,
): { messages: number; oldestMs: number } {
  const nothing = { messages: 0, oldestMs: 0 }
  const counts = db.get<CountRow>(countsSql, channel.no)
  const row = db.all<GroupCountRow>(groupsSql, channel.no).find(({ no }) => no === group)
  if (!counts || !row || counts.paused !== 0) return nothing
  const { waiting, oldestReadyMs } = lineOf(db, channel, counts, row, nowMs)
  const messages = waiting - row.behind
  return messages === 0 ? nothing : { messages, oldestMs: oldestReadyMs }
}

/** Every group of a stream, by name. */
export function groupsOf(db: Database, channel: ChannelRow, nowMs: number): GroupInfo[] {
  const counts = db.get<CountRow>(countsSql, channel.no)
  if (!counts || channel.pattern === 'queue') return []
  return db.all<GroupCountRow>(groupsSql, channel.no).map((group) => {
    const line = lineOf(db, channel, counts, group, nowMs)
    return {
      group: group.name,
      lag: line.waiting + line.inFlight + line.later + counts.scheduled,
      inFlight: line.inFlight,
      oldestMs: line.oldestMs,
      readers:
        db.get<{ n: number }>(
          'SELECT count(*) AS n FROM reader WHERE grp = ? AND deadline_ms > ?',
          group.no,
          nowMs,
        )?.n ?? 0,
      position: String(settledBefore(db, channel.no, group) - 1),
      order: group.ordering,
    }
  })
}

interface Line {
  readonly waiting: number
  readonly later: number
  readonly inFlight: number
  readonly dead: number
  readonly out: number
  readonly oldestMs: number
  /** Of what is not behind another one of its key. */
  readonly oldestReadyMs: number
}

function lineOf(
  db: Database,
  channel: ChannelRow,
  counts: CountRow,
  group: GroupCountRow,
  nowMs: number,
): Line {
  const fresh = counts.next_seq - group.next_seq - gapsFrom(db, channel.no, group.next_seq)
  const ready = group.later > 0 ? readyNow(db, group.no, nowMs) : 0
  const overdue = group.in_flight > 0 ? overdueNow(db, group.no, nowMs) : none
  const oldestReadyMs = Math.max(
    oldestMs(db, channel, group, nowMs),
    nowMs - (overdue.since ?? nowMs),
  )
  return {
    waiting: fresh + group.back - group.later + ready + overdue.count,
    later: group.later - ready,
    inFlight: group.in_flight - overdue.count,
    dead: group.dead,
    out: group.total_out,
    oldestMs:
      group.behind > 0 ? Math.max(oldestReadyMs, oldestBehindMs(db, group, nowMs)) : oldestReadyMs,
    oldestReadyMs: oldestReadyMs,
  }
}

interface Overdue {
  readonly count: number
  /** When the oldest of them was stored. */
  readonly since: number | null
}

const none: Overdue = { count: 0, since: null }

/** What readers hold whose lease has ended; the keeper takes it back within a second, if there is one. */
function overdueNow(db: Database, group: number, nowMs: number): Overdue {
  const row = db.get<{ count: number; since: number | null }>(
    `SELECT count(*) AS count, min(l.stored_ms) AS since FROM reader r
       JOIN held h ON h.token >= (r.no << 40) AND h.token < ((r.no + 1) << 40)
       LEFT JOIN log l ON l.at = h.ref
     WHERE r.grp = ?1 AND r.deadline_ms > 0 AND r.deadline_ms <= ?2`,
    group,
    nowMs,
  )
  return row ?? none
}

/** Retries and releases whose time has come. */
function readyNow(db: Database, group: number, nowMs: number): number {
  let ready = 0
  for (const which of ['crashes = 0', 'crashes > 0']) {
    const sql = `SELECT count(*) AS n FROM back WHERE grp = ?1 AND ${which} AND due_ms > 0 AND due_ms <= ?2`
    ready += db.get<{ n: number }>(sql, group, nowMs)?.n ?? 0
  }
  return ready
}

/** Delayed messages whose time has come; the keeper moves them within a second. */
function dueNow(db: Database, channel: number, { scheduled }: CountRow, nowMs: number): number {
  if (scheduled === 0) return 0
  const sql = 'SELECT count(*) AS n FROM scheduled WHERE channel = ? AND due_ms <= ?'
  return db.get<{ n: number }>(sql, channel, nowMs)?.n ?? 0
}

/** Age of what has waited longest: at the cursor, or given back and ready. */
function oldestMs(db: Database, channel: ChannelRow, group: GroupCountRow, nowMs: number): number {
  const head = db.get<{ since: number }>(
    `SELECT stored_ms AS since FROM log WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1 + 1', '0')}
     ORDER BY at LIMIT 1`,
    channelLane(channel.no),
    group.next_seq,
  )
  const since = [head?.since]
  if (group.back > 0) {
    const first = (which: string) => `SELECT max(l.stored_ms, b.due_ms) AS since
      FROM back b JOIN log l ON l.at = b.ref
      WHERE b.grp = ?1 AND ${which} AND b.due_ms <= ?2 ORDER BY b.due_ms, b.ref LIMIT 1`
    for (const which of ['b.crashes = 0 AND b.due_ms = 0', 'b.crashes = 0 AND b.due_ms > 0']) {
      since.push(db.get<{ since: number }>(first(which), group.no, nowMs)?.since)
    }
    since.push(db.get<{ since: number }>(first('b.crashes > 0'), group.no, nowMs)?.since)
  }
  const oldest = Math.min(...since.map((ms) => ms ?? Number.POSITIVE_INFINITY))
  return Number.isFinite(oldest) ? Math.max(0, nowMs - oldest) : 0
}

/** Age of what is first behind the heads of all keys. */
function oldestBehindMs(db: Database, group: GroupCountRow, nowMs: number): number {
  const since = ['crashes = 0', 'crashes > 0'].map(
    (which) =>
      db.get<{ since: number }>(
        `SELECT l.stored_ms AS since FROM back b JOIN log l ON l.at = b.ref
         WHERE b.grp = ?1 AND b.${which} AND b.due_ms >= ${behindFrom} ORDER BY b.due_ms LIMIT 1`,
        group.no,
      )?.since ?? nowMs,
  )
  return nowMs - Math.min(...since)
}

/** The first message that this group has not settled. */
function settledBefore(db: Database, channel: number, group: GroupCountRow): number {
  const lane = channelLane(channel)
  const inLane = (ref: string) =>
    `${ref} >= ${rowId('?2', '0')} AND ${ref} < ${rowId('?2 + 1', '0')}`
  const row = db.get<Readonly<Record<'held' | 'back' | 'suspect' | 'behind', number | null>>>(
    `SELECT
       (SELECT ${low('min(h.ref)')} FROM reader r JOIN held h
          ON h.token >= (r.no << 40) AND h.token < ((r.no + 1) << 40)
          WHERE r.grp = ?1 AND ${inLane('h.ref')}) AS held,
       (SELECT ${low('min(ref)')} FROM back
          WHERE grp = ?1 AND crashes = 0 AND due_ms < ${behindFrom} AND ${inLane('ref')}) AS back,
       (SELECT ${low('min(ref)')} FROM back
          WHERE grp = ?1 AND crashes > 0 AND ${inLane('ref')}) AS suspect,
       (SELECT ${low('ref')} FROM back
          WHERE grp = ?1 AND crashes = 0 AND due_ms >= ${behindFrom} AND ${inLane('ref')}
          ORDER BY due_ms LIMIT 1) AS behind`,
    group.no,
    lane,
  )
  const bounds = [row?.held, row?.back, row?.suspect, row?.behind].map(
    (bound) => bound ?? Number.POSITIVE_INFINITY,
  )
  return Math.min(group.next_seq, ...bounds)
}
