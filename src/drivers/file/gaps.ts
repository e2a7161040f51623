import type { Database } from './database.ts'

/**
 * Numbers of a channel under which nothing lies, though they are behind the head: they keep counts
 * exact without a scan, for what waits is the distance from cursor to end less the gaps in it.
 */
export function addGap(db: Database, channel: number, seq: number, count: number): void {
  if (count <= 0) return
  const before = db.get<{ seq: number; count: number }>(
    'SELECT seq, count FROM gap WHERE channel = ? AND seq < ? ORDER BY seq DESC LIMIT 1',
    channel,
    seq,
  )
  if (before && before.seq + before.count === seq) {
    db.run(
      'UPDATE gap SET count = count + ?3 WHERE channel = ?1 AND seq = ?2',
      channel,
      before.seq,
      count,
    )
    return
  }
  db.run('INSERT INTO gap VALUES (?, ?, ?)', channel, seq, count)
}

/** Numbers from `seq` on that lie in gaps. */
export function gapsFrom(db: Database, channel: number, seq: number): number {
  const row = db.get<{ missing: number | null }>(
    `SELECT sum(seq + count - max(seq, ?2)) AS missing FROM gap
     WHERE channel = ?1 AND seq + count > ?2`,
    channel,
    seq,
  )
  return row?.missing ?? 0
}
