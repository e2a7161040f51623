import type { IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import type { Database } from './database.ts'
import { messageOf, metaOf } from './messageRow.ts'
import { low, rowId } from './schema.ts'

/**
 * What one transaction reads out, and what it removes: it has the write lock and stops the event
 * loop meanwhile. What is left to remove the keeper does.
 */
const stepMax = { messages: 1_000, bytes: 4 * 1024 * 1024 }
/** Above every number in an inbox. */
const seqMax = 2 ** 40

/** Inside a transaction: a new and empty inbox. */
export function makeInbox(db: Database, channel: number): number {
  db.run('INSERT INTO inbox (channel) VALUES (?)', channel)
  return db.get<{ no: number }>('SELECT last_insert_rowid() AS no')?.no ?? 0
}

/** Inside a transaction: a broadcast has one inbox for all that subscribe. */
export function sharedInbox(db: Database, channel: number): number {
  const row = db.get<{ no: number }>('SELECT no FROM inbox WHERE channel = ?', channel)
  return row?.no ?? makeInbox(db, channel)
}

/**
 * Inside a transaction: puts messages into an inbox. Whoever has more unread than it wanted to hold
 * loses the oldest, and is told with its next receive. Returns the bells of those who wait.
 */
export function putIn(
  db: Database,
  inbox: number,
  channel: string,
  messages: readonly OutgoingMessage[],
): string[] {
  const head = db.get<{ next_seq: number; bytes: number }>(
    'SELECT next_seq, bytes FROM inbox WHERE no = ?',
    inbox,
  )
  if (!head) return []
  let { next_seq: seq, bytes } = head
  for (const message of messages) {
    const { id, timeMs, body } = message
    bytes += typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
    db.run(
      `INSERT INTO unread VALUES (${rowId('?1', '?2')}, ?3, ?4, ?5, ?6, ?7)`,
      inbox,
      seq++,
      bytes,
      id,
      timeMs,
      metaOf(message, channel),
      body,
    )
  }
  db.run('UPDATE inbox SET next_seq = ?2, bytes = ?3 WHERE no = ?1', inbox, seq, bytes)
  if (dropOldest(db, inbox, seq, bytes)) dropRead(db, inbox)
  return awaken(db, inbox)
}

interface Overfull {
  readonly no: number
  readonly cursor: number
  readonly messages_max: number
  readonly bytes_max: number
}

/** Moves the cursors of those who hold too much. The newest message stays, whatever its size. */
function dropOldest(db: Database, inbox: number, end: number, bytes: number): boolean {
  const overfull = db.all<Overfull>(
    `SELECT no, cursor, messages_max, bytes_max FROM subscriber
     WHERE inbox = ?1 AND until IS NULL AND cursor < ?2 - 1
       AND (?2 - cursor > messages_max OR ?3 - passed > bytes_max)`,
    inbox,
    end,
    bytes,
  )
  for (const { no, cursor, messages_max, bytes_max } of overfull) {
    const last = db.get<{ seq: number; upto: number }>(
      `SELECT ${low('at')} AS seq, upto FROM unread
       WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1', '?3')}
         AND (?4 - upto <= ?5 OR at = ${rowId('?1', '?3 - 2')}) ORDER BY at LIMIT 1`,
      inbox,
      Math.max(cursor, Math.min(end - 2, end - messages_max - 1)),
      end,
      bytes,
      bytes_max,
    )
    if (!last) continue
    db.run(
      'UPDATE subscriber SET cursor = ?2 + 1, passed = ?3, missed = missed + (?2 + 1 - cursor) WHERE no = ?1',
      no,
      last.seq,
      last.upto,
    )
  }
  return overfull.length > 0
}

export interface Cursor {
  readonly no: number
  readonly inbox: number
  readonly cursor: number
  readonly passed: number
  readonly next_seq: number
}

/**
 * Inside a transaction: reads what is next and moves the cursor behind it. So a message is done
 * once this is committed: nobody is given it again, whatever becomes of the reader.
 */
export function takeOut(
  db: Database,
  { no, inbox, cursor, passed, next_seq: end }: Cursor,
  channel: string,
  room: { readonly messages: number; readonly bytes: number },
): IncomingMessage[] {
  if (cursor >= end) return []
  const rows = db.cells(
    `SELECT ${low('at')}, upto, octet_length(body), id, time_ms, meta, body FROM unread
     WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1', '?3')}
       AND (at = ${rowId('?1', '?2')} OR upto - ?4 <= ?5) ORDER BY at LIMIT ?6`,
    inbox,
    cursor,
    end,
    passed,
    Math.min(stepMax.bytes, room.bytes),
    Math.min(stepMax.messages, room.messages),
  ) as unknown as [number, number, number, string, number, string | null, string | Uint8Array][]
  const last = rows.at(-1)
  if (!last) return []
  db.run('UPDATE subscriber SET cursor = ?2, passed = ?3 WHERE no = ?1', no, last[0] + 1, last[1])
  dropRead(db, inbox)
  return rows.map(([, , bytes, id, timeMs, meta, body]) => {
    return messageOf(channel, { id, timeMs, meta, body }, bytes).message
  })
}

interface Needed {
  readonly readers: number
  /** From here on somebody reads whatever comes. */
  readonly open: number | null
  /** What those still have to read who have stopped. */
  readonly first: number | null
  readonly end: number | null
}

/**
 * Inside a transaction: removes what nobody reads any more, and the inbox itself when it is empty
 * and nobody has it. Returns how many messages; there may be more.
 */
export function dropRead(db: Database, inbox: number): number {
  const { readers, open, first, end } = db.get<Needed>(
    `SELECT count(*) AS readers, min(cursor) FILTER (WHERE until IS NULL) AS open,
       min(cursor) FILTER (WHERE until > cursor) AS first,
       max(until) FILTER (WHERE until > cursor) AS end
     FROM subscriber WHERE inbox = ?`,
    inbox,
  ) as Needed
  const openFrom = open ?? seqMax
  const removed = dropRange(db, inbox, 0, Math.min(openFrom, first ?? seqMax))
  if (end !== null) return removed + dropRange(db, inbox, end, openFrom)
  // A number is free again only when nothing lies under it.
  const isEmpty = `NOT EXISTS (SELECT 1 FROM unread
    WHERE at >= ${rowId('?1', '0')} AND at < ${rowId('?1 + 1', '0')})`
  if (readers === 0) db.run(`DELETE FROM inbox WHERE no = ?1 AND ${isEmpty}`, inbox)
  return removed
}

function dropRange(db: Database, inbox: number, from: number, to: number): number {
  return db.run(
    `DELETE FROM unread WHERE at IN (SELECT at FROM unread
       WHERE at >= ${rowId('?1', '?2')} AND at < ${rowId('?1', '?3')}
         AND upto <= ${stepMax.bytes} +
           (SELECT upto FROM unread WHERE at >= ${rowId('?1', '?2')} ORDER BY at LIMIT 1)
       LIMIT ${stepMax.messages})`,
    inbox,
    from,
    to,
  )
}

/** Inside a transaction: the bells of those who wait at an inbox; they count as awake from now on. */
function awaken(db: Database, inbox: number): string[] {
  const waiting = db.all<{ bell: string }>(
    'SELECT bell FROM subscriber WHERE inbox = ? AND waiting = 1',
    inbox,
  )
  if (waiting.length === 0) return []
  db.run('UPDATE subscriber SET waiting = 0 WHERE inbox = ? AND waiting = 1', inbox)
  return waiting.map(({ bell }) => bell)
}
