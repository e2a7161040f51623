import type { Marks } from '../../core/driver.ts'
import type { Token } from '../../core/message.ts'
import type { Database } from './database.ts'
import type { StoreClock } from './storeClock.ts'
import type { Writer } from './writer.ts'

interface SeenRow {
  readonly claimed_by: string | null
  readonly until_ms: number
}

/** Inside a transaction: this id was worked off, until then. */
export function markDone(db: Database, group: number, id: string, untilMs: number): void {
  db.run('INSERT OR REPLACE INTO seen VALUES (?, ?, NULL, ?)', group, id, Math.ceil(untilMs))
}

const nameOf = (by: Token) => `${by.serial}/${by.reader}`

export interface MarksOptions {
  readonly db: Database
  readonly writer: Writer
  readonly time: StoreClock
  /** The row of the group; made when it is not there yet. Called inside a transaction. */
  readonly group: () => number
}

/** Dedupe on consume, in the store itself: so `remember` can be written with the ack. */
export function fileMarks({ db, writer, time, group }: MarksOptions): Marks {
  return {
    claim: (ids, by, leaseMs, signal) =>
      writer.run(
        'claim',
        () => {
          const [no, nowMs] = [group(), time.nowMs()]
          return ids.map((id) => {
            const row = db.get<SeenRow>(
              'SELECT claimed_by, until_ms FROM seen WHERE grp = ? AND id = ?',
              no,
              id,
            )
            if (row && row.until_ms > nowMs && row.claimed_by !== nameOf(by)) {
              return row.claimed_by === null ? 'done' : 'busy'
            }
            db.run(
              'INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)',
              no,
              id,
              nameOf(by),
              Math.ceil(nowMs + leaseMs),
            )
            return 'mine'
          })
        },
        { signal },
      ),
    finish: (ids, by, keepMs, signal) =>
      writer.run(
        'finish',
        () => {
          const [no, nowMs] = [group(), time.nowMs()]
          for (const id of ids) {
            if (keepMs !== 'forget') markDone(db, no, id, nowMs + keepMs)
            else {
              db.run(
                'DELETE FROM seen WHERE grp = ? AND id = ? AND claimed_by = ?',
                no,
                id,
                nameOf(by),
              )
            }
          }
        },
        { signal },
      ),
  }
}
