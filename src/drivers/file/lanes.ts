import type { Database } from './database.ts'
import { groupLane, low, rowId } from './schema.ts'

/**
 * From here on the due time of a row in `back` is none: the message is behind another one of its
 * key. What is added is its turn there, twice its sequence number. A dead letter that came back
 * to its group has an odd one, between those of the channel.
 */
export const behindFrom = 2 ** 52

/** SQL for the key in `meta`: its JSON, because no text is changed by that on its way through here. */
export const keyOf = (meta: string) => `(${meta} -> '$.k')`

/** SQL for the time that a row of `back` is held behind the head of its key. */
export const behind = (seq: string) => `${behindFrom} + 2 * ${seq}`

/**
 * Inside a transaction: messages leave the head of their keys, those of a group whose row ids
 * `refs` names, with its parameters from ?2 on. The next of each key gets there; returns how many.
 */
export function leaveLanes(
  db: Database,
  group: number,
  nextSeq: number,
  refs: string,
  ...values: number[]
): number {
  const left = db.all<{ key: string }>(
    `DELETE FROM lane WHERE grp = ?1 AND ref IN (${refs}) RETURNING key`,
    group,
    ...values,
  )
  const keys = left.map(({ key }) => key)
  return keys.length === 0 ? 0 : fillLanes(db, group, nextSeq, keys)
}

/**
 * Inside a transaction: where no message stands at the head of a key, the first of those behind
 * gets there. One that came back after messages which lie before `nextSeq` no more waits for these.
 */
export function fillLanes(
  db: Database,
  group: number,
  nextSeq: number,
  keys: readonly string[],
): number {
  const text = JSON.stringify(keys)
  const filled = db.run(
    `INSERT OR IGNORE INTO lane SELECT ?1, key, ref FROM
       (SELECT k.value AS key,
          (SELECT b.ref FROM back b WHERE b.grp = ?1 AND b.key = k.value AND b.due_ms >= ${behindFrom}
             AND b.due_ms < ${behindFrom} + 2 * CAST(?2 AS INTEGER) ORDER BY b.due_ms, b.ref LIMIT 1) AS ref
        FROM json_each(?3) k)
     WHERE ref IS NOT NULL`,
    group,
    nextSeq,
    text,
  )
  if (filled === 0) return 0
  db.run(
    `UPDATE back INDEXED BY back_ref SET due_ms = 0, key = NULL
     WHERE grp = ?1 AND key IS NOT NULL AND ref IN
       (SELECT l.ref FROM json_each(?2) k CROSS JOIN lane l ON l.grp = ?1 AND l.key = k.value)`,
    group,
    text,
  )
  db.run('UPDATE grp SET behind = behind - ?2 WHERE no = ?1', group, filled)
  return filled
}

/**
 * Inside a transaction: a message that is its group's alone, just given to it, gets behind all of
 * its key that has come so far.
 */
export function joinLane(db: Database, group: number, seq: number): void {
  const at = db.get<{ next_seq: number; end_seq: number }>(
    `SELECT g.next_seq, c.next_seq AS end_seq FROM grp g JOIN channel c ON c.no = g.channel
     WHERE g.no = ? AND g.ordering <> 'none'`,
    group,
  )
  if (!at) return
  const ref = rowId('?2', '?3')
  const [joined] = db.all<{ key: string }>(
    `UPDATE back SET key = (SELECT ${keyOf('meta')} FROM log WHERE at = ${ref}),
       due_ms = ${behind('CAST(?4 AS INTEGER)')} - 1
     WHERE grp = ?1 AND crashes = 0 AND due_ms = 0 AND ref = ${ref}
       AND (SELECT ${keyOf('meta')} FROM log WHERE at = ${ref}) IS NOT NULL RETURNING key`,
    group,
    groupLane(group),
    seq,
    at.end_seq,
  )
  if (!joined) return
  db.run('UPDATE grp SET behind = behind + 1 WHERE no = ?', group)
  fillLanes(db, group, at.next_seq, [joined.key])
}

/** Inside a transaction: what was given back to a group takes its place by key. */
export function layLanes(db: Database, group: number, nextSeq: number): void {
  db.run('DELETE FROM lane WHERE grp = ?', group)
  const key = `(SELECT ${keyOf('l.meta')} FROM log l WHERE l.at = back.ref)`
  db.run(
    `UPDATE back SET key = ${key},
       due_ms = iif(due_ms > 0 AND due_ms < ${behindFrom}, due_ms,
         iif((ref >> 40) & 1, ${behindFrom}, ${behind(low('ref'))}))
     WHERE grp = ? AND ${key} IS NOT NULL`,
    group,
  )
  recount(db, group)
  const keys = db.all<{ key: string }>(
    'SELECT DISTINCT key FROM back WHERE grp = ? AND key IS NOT NULL',
    group,
  )
  fillLanes(
    db,
    group,
    nextSeq,
    keys.map((row) => row.key),
  )
}

/** Inside a transaction: keys are of no concern to the group any more. */
export function liftLanes(db: Database, group: number): void {
  db.run('DELETE FROM lane WHERE grp = ?', group)
  db.run(
    `UPDATE back SET key = NULL, due_ms = iif(due_ms < ${behindFrom}, due_ms, 0)
     WHERE grp = ? AND key IS NOT NULL`,
    group,
  )
  recount(db, group)
}

function recount(db: Database, group: number): void {
  db.run(
    `UPDATE grp SET behind =
       (SELECT count(*) FROM back WHERE grp = ?1 AND key IS NOT NULL AND due_ms >= ${behindFrom})
     WHERE no = ?1`,
    group,
  )
}
