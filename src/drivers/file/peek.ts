import type { Page, PageQuery, Stored } from '../../core/driver.ts'
import type { Place } from '../../core/message.ts'
import type { ChannelRow } from './channels.ts'
import type { Database } from './database.ts'
import { resolvePlace, scanLog } from './groups.ts'
import { behindFrom } from './lanes.ts'
import { messageOf } from './messageRow.ts'
import { checkPage } from './page.ts'
import { pause } from './pause.ts'
import { channelLane, low, rowId } from './schema.ts'
import { readStore, type Store } from './store.ts'

/** Delayed messages come after the log in a page; their cursors lie above every position. */
const scheduledFrom = 2 ** 41

type LogCells = [number, string, number, string | null, string | Uint8Array, number]

/** Of a stream what is stored, of a queue what is not settled, and what is delayed. */
export async function peek(
  store: Store,
  channel: ChannelRow,
  query: PageQuery & { from: Place },
): Promise<Page<Stored>> {
  const after = checkPage(query)
  const first = await resolvePlace(store, channel, null, query.from)
  const floor = first === 'end' ? scheduledFrom : first
  return readStore(store, 'peek', () => {
    const { db, time } = store
    const nowMs = time.nowMs()
    const wanted = query.limit + 1
    const parts = [
      (limit: number) => logPart(db, channel, nowMs, floor, after, query.newestFirst, limit),
      (limit: number) => scheduledPart(db, channel, nowMs, after, query.newestFirst, limit),
    ]
    if (query.newestFirst) parts.reverse()
    const found: { key: number; stored: Stored }[] = []
    for (const part of parts) found.push(...part(wanted - found.length))
    const items = found.slice(0, query.limit)
    return {
      items: items.map(({ stored }) => stored),
      cursor: found.length > query.limit ? String(items.at(-1)?.key ?? 0) : null,
    }
  })
}

/** The message of that id; looked for along the log in steps that let other work pass. */
export async function findMessage(
  store: Store,
  channel: ChannelRow,
  id: string,
): Promise<Stored | null> {
  const { db, time } = store
  const seq = await scanLog(store, channel, 'id = ?4', id)
  if (seq !== null) {
    const [found] = await readStore(store, 'message', () =>
      logPart(db, channel, time.nowMs(), seq, null, false, 1),
    )
    return found?.stored.message.id === id ? found.stored : null
  }
  const no = await scanScheduled(store, channel, id)
  if (no === null) return null
  const [found] = await readStore(store, 'message', () =>
    scheduledPart(db, channel, time.nowMs(), scheduledFrom + no - 1, false, 1),
  )
  return found?.stored.message.id === id ? found.stored : null
}

/** The number of a delayed message. */
export async function scanScheduled(
  store: Store,
  channel: ChannelRow,
  id: string,
): Promise<number | null> {
  const { db } = store
  for (let from = 0; ; ) {
    const [found] = await readStore(store, 'look for a message', () =>
      db.cells(
        `SELECT max(no), max(iif(id = ?3, no, NULL)) FROM
           (SELECT no, id FROM scheduled WHERE channel = ?1 AND no > ?2 ORDER BY no LIMIT 5000)`,
        channel.no,
        from,
        id,
      ),
    )
    const [last, no] = (found ?? [null, null]) as [number | null, number | null]
    if (no !== null) return no
    if (last === null) return null
    from = last
    await pause(0)
  }
}

function logPart(
  db: Database,
  channel: ChannelRow,
  nowMs: number,
  floor: number,
  after: number | null,
  newestFirst: boolean,
  limit: number,
): { key: number; stored: Stored }[] {
  if (limit <= 0) return []
  const lane = channelLane(channel.no)
  const from = newestFirst ? floor : Math.max(floor, (after ?? -1) + 1)
  const to = Math.min(scheduledFrom / 2 - 1, newestFirst && after !== null ? after - 1 : Infinity)
  if (from > to) return []
  const rows = db.cells(
    `SELECT ${low('at')}, id, time_ms, meta, body, octet_length(body) FROM log
     WHERE at BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}
     ORDER BY at ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?4`,
    lane,
    from,
    to,
    limit,
  ) as unknown as LogCells[]
  const states = statesOf(db, channel, nowMs, rows)
  return rows.map(([seq, id, timeMs, meta, body, bytes]) => {
    const { message, redrives } = messageOf(channel.name, { id, timeMs, meta, body }, bytes)
    const state = states.get(seq) ?? untouched
    return { key: seq, stored: { message, position: String(seq), redrives, ...state } }
  })
}

type State = Pick<Stored, 'state' | 'failures' | 'crashes' | 'worker'>

interface HeldRow {
  readonly seq: number
  readonly failures: number
  readonly crashes: number
  readonly worker: string
  readonly deadline_ms: number
}

const untouched: State = { state: 'waiting', failures: 0, crashes: 0 }

/** What is out or came back, of a stream the farthest that any group has come with it. */
function statesOf(
  db: Database,
  channel: ChannelRow,
  nowMs: number,
  rows: readonly LogCells[],
): Map<number, State> {
  const states = new Map<number, State>()
  const seqs = rows.map(([seq]) => seq)
  if (seqs.length === 0) return states
  const range = [channelLane(channel.no), Math.min(...seqs), Math.max(...seqs)] as const
  const between = (ref: string) => `${ref} BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`
  for (const row of db.all<{ seq: number; due_ms: number; failures: number; crashes: number }>(
    `SELECT ${low('ref')} AS seq, due_ms, failures, crashes FROM back WHERE ${between('ref')}`,
    ...range,
  )) {
    const isLater = row.due_ms > nowMs && row.due_ms < behindFrom
    const state = isLater ? 'scheduled' : 'waiting'
    states.set(row.seq, { state, failures: row.failures, crashes: row.crashes })
  }
  for (const row of db.all<HeldRow>(
    `SELECT ${low('h.ref')} AS seq, h.failures, h.crashes, r.worker, r.deadline_ms
     FROM held h JOIN reader r ON r.no = h.token >> 40 WHERE ${between('h.ref')}`,
    ...range,
  )) {
    const { seq, failures, crashes, worker, deadline_ms } = row
    const isOverdue = deadline_ms > 0 && deadline_ms <= nowMs
    if (!isOverdue) states.set(seq, { state: 'in-flight', failures, crashes, worker })
    // Of several groups, the one that has it in hand has come the farthest.
    else if (!states.has(seq)) states.set(seq, { state: 'waiting', failures, crashes })
  }
  return states
}

/** Delayed messages; what is due by now waits, though the keeper has not moved it yet. */
function scheduledPart(
  db: Database,
  channel: ChannelRow,
  nowMs: number,
  after: number | null,
  newestFirst: boolean,
  limit: number,
): { key: number; stored: Stored }[] {
  if (limit <= 0) return []
  const isInside = after !== null && after >= scheduledFrom
  if (newestFirst && after !== null && !isInside) return []
  const bound = isInside ? after - scheduledFrom : newestFirst ? Number.MAX_SAFE_INTEGER : 0
  const rows = db.cells(
    `SELECT no, id, time_ms, meta, body, octet_length(body), due_ms FROM scheduled
     WHERE channel = ?1 AND no ${newestFirst ? '<' : '>'} ?2
     ORDER BY no ${newestFirst ? 'DESC' : 'ASC'} LIMIT ?3`,
    channel.no,
    bound,
    limit,
  ) as unknown as [...LogCells, number][]
  return rows.map(([no, id, timeMs, meta, body, bytes, dueMs]) => {
    const { message, redrives } = messageOf(channel.name, { id, timeMs, meta, body }, bytes)
    const state = dueMs > nowMs ? 'scheduled' : 'waiting'
    const stored: Stored = { message, state, failures: 0, crashes: 0, redrives }
    return { key: scheduledFrom + no, stored }
  })
}
