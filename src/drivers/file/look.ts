import type { Database } from './database.ts'
import { readerState } from './readers.ts'

/** When the next message becomes due that waits for its time; infinite when none does. */
export function nextDueMs(
  db: Database,
  {
    grp,
    channel,
    back,
    scheduled,
  }: {
    readonly grp: number
    readonly channel: number
    readonly back: number
    readonly scheduled: number
  },
): number {
  const dues: (number | null | undefined)[] = []
  if (back > 0) {
    for (const which of ['crashes = 0', 'crashes > 0']) {
      const sql = `SELECT min(due_ms) AS due FROM back WHERE grp = ? AND ${which}`
      dues.push(db.get<{ due: number | null }>(sql, grp)?.due)
    }
  }
  if (scheduled > 0) {
    const sql = 'SELECT min(due_ms) AS due FROM scheduled WHERE channel = ?'
    dues.push(db.get<{ due: number | null }>(sql, channel)?.due)
  }
  return Math.min(...dues.map((due) => due ?? Number.POSITIVE_INFINITY))
}

/**
 * The look that a waiting reader takes without the write lock: is there a reason to take the lock,
 * and if not, when will the next message be due?
 */
export function isWorthTaking(
  db: Database,
  reader: number,
  nowMs: number,
  leaseMs: number,
): { isWorth: boolean; dueMs: number } {
  const state = readerState(db, reader)
  const worth = { isWorth: true, dueMs: 0 }
  if (!state || state.deadline_ms - nowMs < leaseMs / 2) return worth
  const expired = db.get(
    `SELECT 1 FROM reader r WHERE grp = ?1 AND deadline_ms > 0 AND deadline_ms <= ?2 LIMIT 1`,
    state.grp,
    nowMs,
  )
  if (expired) return worth
  if (state.paused) return { isWorth: false, dueMs: Number.POSITIVE_INFINITY }
  if (state.next_seq < state.end_seq) return worth
  const dueMs = nextDueMs(db, state)
  return { isWorth: dueMs <= nowMs, dueMs }
}
