import type { ChannelRow } from './channels.ts'
import type { Database } from './database.ts'
import { channelLane, low, rowId } from './schema.ts'

/** Messages removed in one transaction. */
const trimMax = 2_000

export function isOverLimit(
  { messages_max, bytes_max }: ChannelRow,
  stored: number,
  bytes: number,
): boolean {
  return stored > (messages_max ?? stored) || bytes > (bytes_max ?? bytes)
}

/**
 * Inside a transaction: removes from the head of a stream what its retention allows to forget and
 * every group has settled, a bounded number. Returns how many were removed.
 */
export function trim(db: Database, channel: ChannelRow, nowMs: number): number {
  const head = db.get<{ stored: number; bytes: number; next_seq: number }>(
    'SELECT stored, bytes, next_seq FROM channel WHERE no = ?',
    channel.no,
  )
  if (!head || head.stored === 0) return 0
  const end = Math.min(head.next_seq, settledBelow(db, channel.no))
  const lane = channelLane(channel.no)
  let { stored, bytes } = head
  let removed = 0
  let last: number | null = null
  for (const [seq, storedMs, size] of db.cells(
    `SELECT ${low('at')}, stored_ms, octet_length(body) FROM log
     WHERE at >= ${rowId('?1', '0')} AND at < ${rowId('?1', '?2')} LIMIT ?3`,
    lane,
    end,
    trimMax,
  ) as unknown as [number, number, number][]) {
    const isOld = channel.age_ms !== null && storedMs <= nowMs - channel.age_ms
    if (!isOld && !isOverLimit(channel, stored, bytes)) break
    stored--
    bytes -= size
    removed++
    last = seq
  }
  if (last === null) return 0
  db.run(
    `DELETE FROM log WHERE at BETWEEN ${rowId('?1', '0')} AND ${rowId('?1', '?2')}`,
    lane,
    last,
  )
  db.run('DELETE FROM gap WHERE channel = ? AND seq <= ?', channel.no, last)
  db.run('UPDATE channel SET stored = ?2, bytes = ?3 WHERE no = ?1', channel.no, stored, bytes)
  return removed
}

/** Every group has settled all that lies before this number. */
function settledBelow(db: Database, channel: number): number {
  const lane = channelLane(channel)
  const inLane = (ref: string) =>
    `${ref} >= ${rowId('?2', '0')} AND ${ref} < ${rowId('?2 + 1', '0')}`
  const row = db.get<{ cursor: number | null; held: number | null; back: number | null }>(
    `SELECT
       (SELECT min(next_seq) FROM grp WHERE channel = ?1) AS cursor,
       (SELECT ${low('min(h.ref)')} FROM reader r JOIN held h
          ON h.token >= (r.no << 40) AND h.token < ((r.no + 1) << 40)
          WHERE r.channel = ?1 AND ${inLane('h.ref')}) AS held,
       (SELECT ${low('min(ref)')} FROM back WHERE ${inLane('ref')}) AS back`,
    channel,
    lane,
  )
  const bounds = [row?.cursor, row?.held, row?.back]
  return Math.min(...bounds.map((bound) => bound ?? Number.POSITIVE_INFINITY))
}
