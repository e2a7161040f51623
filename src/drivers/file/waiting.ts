import type { Database } from './database.ts'

/** A look once a second covers a lost ring; what is due sooner than that must be told. */
export const lookMs = 1_000

/**
 * Inside a transaction that brought work: the bells of the readers that wait for it, as many of
 * each group as there are messages. They count as awake from now on. Chosen by chance: else a
 * stream that is slow enough for one reader would never reach the others.
 */
export function awaken(db: Database, channel: number, messages: number): string[] {
  const waiting = db.all<{ no: number; grp: number; bell: string }>(
    'SELECT no, grp, bell FROM reader INDEXED BY reader_waiting WHERE channel = ? AND waiting = 1 ORDER BY random()',
    channel,
  )
  if (waiting.length === 0) return []
  const taken = new Map<number, number>()
  const bells: string[] = []
  for (const { no, grp, bell } of waiting) {
    const already = taken.get(grp) ?? 0
    if (already >= messages) continue
    taken.set(grp, already + 1)
    bells.push(bell)
    db.run('UPDATE reader SET waiting = 0 WHERE no = ?', no)
  }
  return bells
}
