import type { ChannelRow } from './channels.ts'
import type { Database } from './database.ts'
import { addGap } from './gaps.ts'
import { firstSeq } from './groups.ts'
import { behindFrom, layLanes, leaveLanes } from './lanes.ts'
import { channelLane, rowId } from './schema.ts'

/**
 * Inside a transaction: moves a group. What its readers hold is lost to them; messages that are
 * the group's alone come again.
 */
export function seek(db: Database, channel: ChannelRow, group: number, to: number | 'end'): void {
  const lane = channelLane(channel.no)
  const inLane = `ref >= ${rowId('?2', '0')} AND ref < ${rowId('?2 + 1', '0')}`
  for (const { no } of db.all<{ no: number }>('SELECT no FROM reader WHERE grp = ?', group)) {
    const own = `token >= ${rowId('?1', '0')} AND token < ${rowId('?1 + 1', '0')}`
    const lost = db.run(`INSERT INTO lost SELECT token, 'revoked' FROM held WHERE ${own}`, no)
    if (lost === 0) continue
    db.run(`DELETE FROM held WHERE ${own} AND ${inLane}`, no, lane)
    db.run(
      `INSERT INTO back (grp, crashes, due_ms, ref, failures, past)
       SELECT ?2, crashes, 0, ref, failures, past FROM held WHERE ${own}`,
      no,
      group,
    )
    db.run(`DELETE FROM held WHERE ${own}`, no)
    db.run('UPDATE reader SET lost = lost + ?2 WHERE no = ?1', no, lost)
  }
  db.run(`DELETE FROM back WHERE grp = ?1 AND ${inLane}`, group, lane)
  db.run(
    `UPDATE grp SET in_flight = 0,
       back = (SELECT count(*) FROM back WHERE grp = ?1),
       later = (SELECT count(*) FROM back WHERE grp = ?1 AND due_ms > 0 AND due_ms < ${behindFrom}),
       next_seq = (SELECT iif(?3 IS NULL, next_seq, max(?4, min(?3, next_seq))) FROM channel WHERE no = ?2)
     WHERE no = ?1`,
    group,
    channel.no,
    to === 'end' ? null : to,
    firstSeq(db, channel.no),
  )
  const moved = db.get<{ ordering: string; next_seq: number }>(
    'SELECT ordering, next_seq FROM grp WHERE no = ?',
    group,
  )
  if (moved && moved.ordering !== 'none') layLanes(db, group, moved.next_seq)
}

/**
 * Inside a transaction: removes one message, whoever has it. Returns how many others are the next
 * of their key by that; null when it is not there.
 */
export function removeMessage(
  db: Database,
  channel: ChannelRow,
  seq: number,
  id: string,
): number | null {
  const lane = channelLane(channel.no)
  const isIt = `at = ${rowId('?1', '?2')}`
  const row = db.get<{ bytes: number }>(
    `SELECT octet_length(body) AS bytes FROM log WHERE ${isIt} AND id = ?3`,
    lane,
    seq,
    id,
  )
  if (!row) return null
  const ref = `ref = ${rowId('?1', '?2')}`
  for (const held of db.all<{ reader: number; grp: number }>(
    `SELECT h.token >> 40 AS reader, r.grp FROM held h JOIN reader r ON r.no = h.token >> 40
     WHERE h.${ref}`,
    lane,
    seq,
  )) {
    db.run(
      `INSERT INTO lost SELECT token, 'cancelled' FROM held
       WHERE ${ref} AND token >> 40 = ?3`,
      lane,
      seq,
      held.reader,
    )
    db.run('UPDATE reader SET lost = lost + 1 WHERE no = ?', held.reader)
    db.run('UPDATE grp SET in_flight = in_flight - 1 WHERE no = ?', held.grp)
  }
  db.run(`DELETE FROM held WHERE ${ref}`, lane, seq)
  for (const back of db.all<{ grp: number; due_ms: number }>(
    `SELECT grp, due_ms FROM back WHERE ${ref}`,
    lane,
    seq,
  )) {
    db.run(
      'UPDATE grp SET back = back - 1, later = later - ?2, behind = behind - ?3 WHERE no = ?1',
      back.grp,
      back.due_ms > 0 && back.due_ms < behindFrom ? 1 : 0,
      back.due_ms >= behindFrom ? 1 : 0,
    )
  }
  db.run(`DELETE FROM back WHERE ${ref}`, lane, seq)
  let freed = 0
  for (const head of db.all<{ grp: number; next_seq: number }>(
    `SELECT l.grp, g.next_seq FROM lane l JOIN grp g ON g.no = l.grp WHERE l.${ref}`,
    lane,
    seq,
  )) {
    freed += leaveLanes(db, head.grp, head.next_seq, rowId('?2', '?3'), lane, seq)
  }
  db.run(`DELETE FROM log WHERE ${isIt}`, lane, seq)
  addGap(db, channel.no, seq, 1)
  if (channel.pattern === 'stream') {
    db.run(
      'UPDATE channel SET stored = stored - 1, bytes = bytes - ?2 WHERE no = ?1',
      channel.no,
      row.bytes,
    )
  }
  return freed
}
