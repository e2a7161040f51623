import { NarrowcastError } from '../../core/errors.ts'
import type { Place } from '../../core/message.ts'
import { type ChannelRow, findGroup, type GroupRow, notFound } from './channels.ts'
import type { Cells, Database } from './database.ts'
import { pause } from './pause.ts'
import { channelLane, low, rowId } from './schema.ts'
import { readStore, type Store } from './store.ts'

/** Rows that are looked through between two turns of the event loop. */
const scanRows = 5_000

/** Inside a transaction: the group, made where it is not there and beginning at `seq`. */
export function ensureGroup(
  db: Database,
  channel: ChannelRow,
  name: string,
  seq: number | 'end',
): GroupRow {
  const found = findGroup(db, channel.no, name)
  if (found) return found
  db.run(
    `INSERT INTO grp (channel, name, next_seq)
     SELECT no, ?2, iif(?3 IS NULL, next_seq, max(?4, min(?3, next_seq))) FROM channel WHERE no = ?1`,
    channel.no,
    name,
    seq === 'end' ? null : seq,
    firstSeq(db, channel.no),
  )
  return findGroup(db, channel.no, name) as GroupRow
}

/** Where the log of a channel begins; its end when it is empty. */
export function firstSeq(db: Database, channel: number): number {
  const row = db.get<{ seq: number }>(
    `SELECT coalesce(
       (SELECT ${low('min(at)')} FROM log WHERE at >= ${rowId('?2', '0')} AND at < ${rowId('?2 + 1', '0')}),
       (SELECT next_seq FROM channel WHERE no = ?1)) AS seq`,
    channel,
    channelLane(channel),
  )
  return row?.seq ?? 1
}

/**
 * The sequence number at which a group that begins at this place is handed its first message.
 * An id or a time is looked for along the log, in steps that let other work pass.
 * @throws NOT_FOUND for an id that is not in the channel.
 */
export async function resolvePlace(
  store: Store,
  channel: ChannelRow,
  group: string | null,
  place: Place,
): Promise<number | 'end'> {
  const { db } = store
  const known =
    group !== null && (await readStore(store, 'source', () => findGroup(db, channel.no, group)))
  if (known || place === 'first') return 1
  if (place === 'end') return 'end'
  if ('position' in place) return parsePosition(channel, place.position) + 1
  if ('id' in place) {
    const seq = await scanLog(store, channel, 'id = ?4', place.id)
    if (seq !== null) return seq + 1
    throw notFound('seek', channel.name, `"${channel.name}" has no message ${place.id}`)
  }
  return (await scanLog(store, channel, 'time_ms >= ?4', place.timeMs)) ?? 'end'
}

export function parsePosition(channel: ChannelRow, position: string): number {
  const seq = /^\d{1,13}$/.test(position) ? Number(position) : Number.NaN
  if (seq <= 2 ** 40) return seq
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `file: "${position}" is no position of "${channel.name}"; expected a whole number such as 42`,
    { driver: 'file', channel: channel.name },
  )
}

/** The first message of the log for which `condition` holds; null when there is none. */
export async function scanLog(
  store: Store,
  channel: ChannelRow,
  condition: string,
  value: string | number,
): Promise<number | null> {
  const { db } = store
  const lane = channelLane(channel.no)
  for (let from = 0; ; ) {
    const step = () => {
      const [end] = db.cells(
        `SELECT ${low('max(at)')} FROM (SELECT at FROM log
           WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1 + 1', '0')} LIMIT ?3)`,
        lane,
        from,
        scanRows,
      ) as [Cells]
      const last = end[0] as number | null
      if (last === null) return 'end'
      const [found] = db.cells(
        `SELECT ${low('at')} FROM log WHERE at BETWEEN ${rowId('?1', '?2')} AND ${rowId('?1', '?3')}
           AND ${condition} LIMIT 1`,
        lane,
        from,
        last,
        value,
      )
      return found ? { found: found[0] as number } : { last }
    }
    const result = await readStore(store, 'look for a message', step)
    if (result === 'end') return null
    if (result.found !== undefined) return result.found
    from = result.last + 1
    await pause(0)
  }
}
