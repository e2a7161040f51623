import type { ChannelRow } from './channels.ts'
import type { Database } from './database.ts'
import { addGap } from './gaps.ts'
import { behindFrom, leaveLanes } from './lanes.ts'
import { channelLane, groupLane, low, rowId } from './schema.ts'
import { readStore, type Store } from './store.ts'

/** Rows removed in one transaction. */
const stepMax = 2_000

/** Repeats bounded transactions until one finds nothing more; returns the sum. */
async function inSteps(
  { writer }: Store,
  signal: AbortSignal,
  step: () => number,
): Promise<number> {
  for (let sum = 0; ; ) {
    const done = await writer.run('remove', step, { signal })
    if (done === 0) return sum
    sum += done
  }
}

const groupsSql = 'SELECT no FROM grp WHERE channel = ?'

function numbers(store: Store, sql: string, ...values: number[]): Promise<number[]> {
  const read = () => store.db.all<{ no: number }>(sql, ...values).map(({ no }) => no)
  return readStore(store, 'remove', read)
}

/** Removes all that nobody has in hand, in steps, and returns how many messages. */
export async function purge(
  store: Store,
  channel: ChannelRow,
  signal: AbortSignal,
): Promise<number> {
  const { db } = store
  const scheduled = await inSteps(store, signal, () => {
    const removed = db.run(
      `DELETE FROM scheduled WHERE no IN
         (SELECT no FROM scheduled WHERE channel = ? LIMIT ${stepMax})`,
      channel.no,
    )
    db.run('UPDATE channel SET scheduled = scheduled - ?2 WHERE no = ?1', channel.no, removed)
    return removed
  })
  // Along the log first: what lies there could else still get behind its key.
  const isQueue = channel.pattern === 'queue'
  const end = isQueue ? 0 : await skipAll(store, channel, signal)
  const fresh = isQueue ? await inSteps(store, signal, () => dropFresh(db, channel)) : 0
  let returned = 0
  for (const no of await numbers(store, groupsSql, channel.no)) {
    returned += await dropAllBack(store, no, isQueue, signal)
  }
  const waiting = isQueue ? fresh + returned : await purgeLog(store, channel, end, signal)
  return scheduled + waiting
}

/** Those behind their keys first: else each step would bring the next of them to the head. */
async function dropAllBack(
  store: Store,
  group: number,
  isQueue: boolean,
  signal: AbortSignal,
): Promise<number> {
  const drop = (isBehind: boolean) =>
    inSteps(store, signal, () => dropBack(store.db, group, isQueue, isBehind))
  return (await drop(true)) + (await drop(false))
}

/** What was given back to a group; of a stream only its own copies leave the log with it. */
function dropBack(db: Database, group: number, isQueue: boolean, isBehind: boolean): number {
  const which = isBehind ? 'AND key IS NOT NULL' : ''
  const some = `(SELECT crashes, due_ms, ref FROM back WHERE grp = ?1 ${which} LIMIT ${stepMax})`
  const own = isQueue ? '' : 'WHERE (ref >> 40) & 1'
  const isLater = `due_ms > 0 AND due_ms < ${behindFrom}`
  const [sums] = db.cells(
    `SELECT sum(${isLater}), sum(due_ms >= ${behindFrom}) FROM ${some}`,
    group,
  ) as unknown as [number | null, number | null][]
  if (!isBehind) leaveLanes(db, group, 2 ** 40, `SELECT ref FROM ${some}`)
  db.run(`DELETE FROM log WHERE at IN (SELECT ref FROM ${some} ${own})`, group)
  const removed = db.run(
    `DELETE FROM back WHERE grp = ?1 AND (crashes, due_ms, ref) IN ${some}`,
    group,
  )
  db.run(
    'UPDATE grp SET back = back - ?2, later = later - ?3, behind = behind - ?4 WHERE no = ?1',
    group,
    removed,
    sums?.[0] ?? 0,
    sums?.[1] ?? 0,
  )
  return removed
}

/** The next messages of a queue behind its cursor. */
function dropFresh(db: Database, { no }: ChannelRow): number {
  const lane = channelLane(no)
  const [found] = db.cells(
    `SELECT count(*), ${low('max(at)')} FROM (SELECT at FROM log
       WHERE at >= ${rowId('?1', '(SELECT next_seq FROM grp WHERE channel = ?2)')}
         AND at < ${rowId('?1 + 1', '0')} LIMIT ${stepMax})`,
    lane,
    no,
  ) as unknown as [number, number][]
  const [count, last] = found ?? [0, 0]
  if (count === 0) return 0
  db.run(
    `DELETE FROM log WHERE at BETWEEN ${rowId('?1', '(SELECT next_seq FROM grp WHERE channel = ?2)')}
       AND ${rowId('?1', '?3')}`,
    lane,
    no,
    last,
  )
  db.run('UPDATE grp SET next_seq = ?2 WHERE channel = ?1', no, last + 1)
  return count
}

/** Of a stream every group goes to the end; returns which that is. */
function skipAll({ db, writer }: Store, { no }: ChannelRow, signal: AbortSignal): Promise<number> {
  const skip = () => {
    const row = db.get<{ next_seq: number }>('SELECT next_seq FROM channel WHERE no = ?', no)
    db.run(
      `UPDATE grp SET next_seq = (SELECT next_seq FROM channel WHERE no = ?1)
       WHERE channel = ?1 AND name < '~'`,
      no,
    )
    return row?.next_seq ?? 0
  }
  return writer.run('remove', skip, { signal })
}

/** What nobody holds is removed from a stream. */
async function purgeLog(
  store: Store,
  channel: ChannelRow,
  end: number,
  signal: AbortSignal,
): Promise<number> {
  const { db, writer } = store
  const lane = channelLane(channel.no)
  let sum = 0
  for (let from = 0; ; ) {
    const start = from
    const step = await writer.run(
      'remove',
      () => {
        const rows = db.cells(
          `SELECT ${low('at')}, octet_length(body), at IN (SELECT ref FROM held) FROM log
           WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1', '?3')} LIMIT ${stepMax}`,
          lane,
          start,
          end,
        ) as unknown as [number, number, number][]
        return { last: rows.at(-1)?.[0] ?? null, removed: dropRows(db, channel.no, rows) }
      },
      { signal },
    )
    if (step.last === null) return sum
    sum += step.removed
    from = step.last + 1
  }
}

/** Removes the rows that nobody holds, and notes their numbers as gaps. */
function dropRows(
  db: Database,
  channel: number,
  rows: readonly (readonly [seq: number, bytes: number, isHeld: number])[],
): number {
  let removed = 0
  let freed = 0
  for (let at = 0; at < rows.length; ) {
    let to = at
    while (to < rows.length && !rows[to]?.[2]) freed += rows[to++]?.[1] ?? 0
    const [first, last] = [rows[at]?.[0], rows[to - 1]?.[0]]
    if (to > at && first !== undefined && last !== undefined) {
      db.run(
        `DELETE FROM log WHERE at BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}`,
        channelLane(channel),
        first,
        last,
      )
      fillGap(db, channel, first, last)
      removed += to - at
    }
    at = to + 1
  }
  db.run(
    'UPDATE channel SET stored = stored - ?2, bytes = bytes - ?3 WHERE no = ?1',
    channel,
    removed,
    freed,
  )
  return removed
}

/** The whole range becomes one gap, whatever gaps were in it. */
function fillGap(db: Database, channel: number, first: number, last: number): void {
  db.run('DELETE FROM gap WHERE channel = ? AND seq BETWEEN ? AND ?', channel, first, last)
  addGap(db, channel, first, last - first + 1)
}

/** Removed things are renamed at once, so that nobody finds them, and drained in steps. */
const removedName = (no: number) => `~${no}`

/** Inside a transaction: the channel is gone; what is left of it is drained afterwards. */
export function markChannelRemoved(db: Database, channel: number): void {
  db.run('UPDATE channel SET name = ?2 WHERE no = ?1', channel, removedName(channel))
}

/** Inside a transaction: the group is gone and holds no message back any more. */
export function markGroupRemoved(db: Database, group: number): void {
  db.run(
    'UPDATE grp SET name = ?2, next_seq = ?3 WHERE no = ?1',
    group,
    removedName(group),
    2 ** 40,
  )
}

/** Forgets what a group had worked off, so that a new one of that name begins without it. */
export function forgetSeen(
  store: Store,
  channel: number,
  group: string,
  signal: AbortSignal,
): Promise<number> {
  const sql = `DELETE FROM seen WHERE channel = ?1 AND grp = ?2 AND id IN
    (SELECT id FROM seen WHERE channel = ?1 AND grp = ?2 LIMIT ${stepMax})`
  return inSteps(store, signal, () => store.db.run(sql, channel, group))
}

/** Drains what is marked as removed: after the call that did it, or the keeper after a crash. */
export async function drainRemoved(store: Store, signal: AbortSignal): Promise<void> {
  const { db } = store
  for (const no of await numbers(store, `SELECT no FROM channel WHERE name >= '~'`)) {
    for (const group of await numbers(store, groupsSql, no)) {
      await drainGroup(store, group, true, signal)
    }
    for (const table of ['scheduled', 'dedupe', 'gap', 'seen'] as const) {
      await inSteps(store, signal, () => dropSome(db, table, 'channel', no))
    }
    await inSteps(store, signal, () => dropLane(db, channelLane(no)))
    await inSteps(store, signal, () => db.run('DELETE FROM channel WHERE no = ?', no))
  }
  for (const no of await numbers(store, `SELECT no FROM grp WHERE name >= '~'`)) {
    await drainGroup(store, no, false, signal)
  }
}

async function drainGroup(
  store: Store,
  group: number,
  withChannel: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { db } = store
  for (const no of await numbers(store, 'SELECT no FROM reader WHERE grp = ?', group)) {
    for (const table of ['held', 'lost']) {
      await inSteps(store, signal, () =>
        db.run(
          `DELETE FROM ${table} WHERE token IN (SELECT token FROM ${table}
             WHERE token >= ${rowId('?1', '0')} AND token < ${rowId('?1 + 1', '0')} LIMIT ${stepMax})`,
          no,
        ),
      )
    }
  }
  await dropAllBack(store, group, withChannel, signal)
  await inSteps(store, signal, () => dropSome(db, 'lane', 'grp', group))
  await inSteps(store, signal, () => dropSome(db, 'dead', 'grp', group))
  await inSteps(store, signal, () => dropLane(db, groupLane(group)))
  await inSteps(store, signal, () => {
    db.run('DELETE FROM reader WHERE grp = ?', group)
    return db.run('DELETE FROM grp WHERE no = ?', group)
  })
}

const keys = {
  scheduled: 'no',
  dedupe: 'id',
  gap: 'seq',
  dead: 'no',
  seen: 'id',
  lane: 'key',
} as const

function dropSome(
  db: Database,
  table: keyof typeof keys,
  owner: 'channel' | 'grp',
  no: number,
): number {
  const key = keys[table]
  return db.run(
    `DELETE FROM ${table} WHERE ${owner} = ?1 AND ${key} IN
       (SELECT ${key} FROM ${table} WHERE ${owner} = ?1 LIMIT ${stepMax})`,
    no,
  )
}

function dropLane(db: Database, lane: number): number {
  return db.run(
    `DELETE FROM log WHERE at IN (SELECT at FROM log
       WHERE at >= ${rowId('?1', '0')} AND at < ${rowId('?1 + 1', '0')} LIMIT ${stepMax})`,
    lane,
  )
}
