import type { LostWhy } from '../../core/driver.ts'
import type { Database } from './database.ts'
import { low, rowId } from './schema.ts'

/** Rows given back in one transaction. */
const stepMax = 500

export interface ReaderRow {
  readonly no: number
  readonly grp: number
  readonly charge: string
  readonly begun: number
}

/**
 * Inside a transaction: gives back what a reader holds, up to `max` rows in the order in which it
 * took them. Charged, each message that the reader had begun counts one crash more. Its tokens are
 * noted as lost, so that a late settle finds that out; `why` null: the reader gave them up itself.
 * Returns how many rows were given back.
 */
export function giveBack(
  db: Database,
  reader: ReaderRow,
  why: LostWhy | null,
  isCharged: boolean,
  max: number = stepMax,
): number {
  const [first, end] = [rowId('?1', '0'), rowId('?1 + 1', '0')]
  const last = db.get<{ last: number | null; n: number }>(
    `SELECT max(${low('token')}) AS last, count(*) AS n FROM
       (SELECT token FROM held WHERE token >= ${first} AND token < ${end} ORDER BY token LIMIT ?2)`,
    reader.no,
    max,
  )
  if (!last || last.last === null) return 0
  const range = `token BETWEEN ${first} AND ${rowId('?1', '?2')}`
  const chargedTo = !isCharged ? -1 : reader.charge === 'taken' ? last.last : reader.begun
  db.run(
    `INSERT INTO back (grp, crashes, due_ms, ref, failures, past)
     SELECT ?3, crashes + (${low('token')} <= ?4), 0, ref, failures, past
     FROM held WHERE ${range}`,
    reader.no,
    last.last,
    reader.grp,
    chargedTo,
  )
  db.run(`INSERT INTO lost SELECT token, ?3 FROM held WHERE ${range}`, reader.no, last.last, why)
  db.run(`DELETE FROM held WHERE ${range}`, reader.no, last.last)
  db.run(
    'UPDATE grp SET in_flight = in_flight - ?2, back = back + ?2 WHERE no = ?1',
    reader.grp,
    last.n,
  )
  db.run('UPDATE reader SET lost = lost + ?2 WHERE no = ?1', reader.no, last.n)
  return last.n
}

/** Inside a transaction: its lease has ended; the row stays for a while, to answer what is late. */
export function endReader(db: Database, reader: number, nowMs: number): void {
  db.run(
    'UPDATE reader SET deadline_ms = 0, waiting = 0, ended_ms = ?2 WHERE no = ?1',
    reader,
    nowMs,
  )
}

/**
 * Inside a transaction: takes back what readers held whose lease has ended, a bounded number of
 * rows. Returns when the next lease of the group ends, at once when there is more to do.
 */
export function reclaimExpired(db: Database, group: number, nowMs: number): number {
  let left = stepMax
  const expired = db.all<ReaderRow>(
    `SELECT no, grp, charge, begun FROM reader
     WHERE grp = ?1 AND deadline_ms > 0 AND deadline_ms <= ?2`,
    group,
    nowMs,
  )
  for (const reader of expired) {
    left -= giveBack(db, reader, 'expired', true, left)
    if (left <= 0) return nowMs
    endReader(db, reader.no, nowMs)
  }
  const next = db.get<{ next: number | null }>(
    'SELECT min(deadline_ms) AS next FROM reader WHERE grp = ? AND deadline_ms > 0',
    group,
  )
  return next?.next ?? Number.POSITIVE_INFINITY
}
