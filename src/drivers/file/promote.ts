import type { Database } from './database.ts'
import { channelLane, rowId } from './schema.ts'

/** Messages that become due are moved in steps of this many. */
const promoteMax = 250

/**
 * Inside a transaction: moves delayed messages that are due to the end of the channel, in the
 * order of their due times. Returns how many; fewer than are due when there are very many, or
 * when the numbers run out.
 */
export function promoteDue(db: Database, channel: number, nowMs: number): number {
  const row = db.get<{ next_seq: number; reserved_seq: number }>(
    'SELECT next_seq, reserved_seq FROM channel WHERE no = ? AND scheduled > 0',
    channel,
  )
  if (!row) return 0
  const due = db.all<{ no: number; bytes: number }>(
    `SELECT no, octet_length(body) AS bytes FROM scheduled
     WHERE channel = ?1 AND due_ms <= ?2 ORDER BY due_ms, no LIMIT ?3`,
    channel,
    nowMs,
    Math.min(promoteMax, row.reserved_seq - row.next_seq),
  )
  let seq = row.next_seq
  let bytes = 0
  for (const message of due) {
    db.run(
      `INSERT INTO log SELECT ${rowId('?1', '?2')}, id, time_ms, ?3, meta, body
       FROM scheduled WHERE no = ?4`,
      channelLane(channel),
      seq++,
      nowMs,
      message.no,
    )
    db.run('DELETE FROM scheduled WHERE no = ?', message.no)
    bytes += message.bytes
  }
  if (due.length === 0) return 0
  db.run(
    `UPDATE channel SET next_seq = ?2, scheduled = scheduled - ?3,
       stored = stored + iif(pattern = 'stream', ?3, 0),
       bytes = bytes + iif(pattern = 'stream', ?4, 0)
     WHERE no = ?1`,
    channel,
    seq,
    due.length,
    bytes,
  )
  return due.length
}
