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
export function markDone(
  db: Database,
  channel: number,
  group: string,
  id: string,
  untilMs: number,
): void {
  db.run(
    'INSERT OR REPLACE INTO seen VALUES (?, ?, ?, NULL, ?)',
    channel,
    group,
    id,
    Math.ceil(untilMs),
  )
}

const nameOf = (by: Token) => `${by.serial}/${by.reader}`

export interface MarksOptions {
  readonly db: Database
  readonly writer: Writer
  readonly time: StoreClock
  /** The number of the channel; called inside a transaction. */
  readonly channel: () => number
  readonly group: string
}

/** Dedupe on consume, in the store itself: so `remember` can be written with the ack. */
export function fileMarks({ db, writer, time, channel, group }: MarksOptions): Marks {
  const claimOne = (no: number, id: string, by: string, nowMs: number, untilMs: number) => {
    const row = db.get<SeenRow>(
      'SELECT claimed_by, until_ms FROM seen WHERE channel = ? AND grp = ? AND id = ?',
      no,
      group,
      id,
    )
    if (row && row.until_ms > nowMs && row.claimed_by !== by) {
      return row.claimed_by === null ? 'done' : 'busy'
    }
    db.run('INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)', no, group, id, by, untilMs)
    return 'mine'
  }
  return {
    claim: (ids, by, leaseMs, signal) =>
      writer.run(
        'claim',
        () => {
          const [no, nowMs] = [channel(), time.nowMs()]
          const untilMs = Math.ceil(nowMs + leaseMs)
          return ids.map((id) => claimOne(no, id, nameOf(by), nowMs, untilMs))
        },
        { signal },
      ),
    finish: (ids, by, keepMs, signal) =>
      writer.run(
        'finish',
        () => {
          const [no, nowMs] = [channel(), time.nowMs()]
          for (const id of ids) {
            if (keepMs !== 'forget') markDone(db, no, group, id, nowMs + keepMs)
            else {
              db.run(
                'DELETE FROM seen WHERE channel = ? AND grp = ? AND id = ? AND claimed_by = ?',
                no,
                group,
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
