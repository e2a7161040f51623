import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { count, idOf, type Task } from './work.ts'

/** The bare client: one table, one cursor, a transaction each to put, to take and to remove. */
function openRaw(dir: string): DatabaseSync {
  const db = new DatabaseSync(`${dir}/raw.db`, { timeout: 10_000 })
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS message (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, time INTEGER, body TEXT);
    CREATE TABLE IF NOT EXISTS cursor (next INTEGER);
    INSERT INTO cursor SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM cursor)`)
  return db
}

/** Before any process shares it: SQLite does not wait for others while it changes to WAL. */
export function makeRaw(dir: string): void {
  openRaw(dir).close()
}

export async function produceRaw({ dir, who, messages, batch, bodyBytes }: Task): Promise<void> {
  const db = openRaw(dir)
  const put = db.prepare('INSERT INTO message (id, time, body) VALUES (?, ?, ?)')
  const body = 'x'.repeat(bodyBytes)
  for (let n = 0; n < messages; n += batch) {
    db.exec('BEGIN IMMEDIATE')
    for (let i = n; i < n + batch; i++) put.run(idOf(who, i), Date.now(), body)
    db.exec('COMMIT')
    await setImmediate()
  }
  db.close()
}

export async function consumeRaw(
  { dir, batch }: Task,
  seen: readonly Uint8Array[],
  progress: (messages: number) => void,
  over: AbortSignal,
): Promise<void> {
  const db = openRaw(dir)
  const next = db.prepare('SELECT next FROM cursor')
  const take = db.prepare('SELECT seq, id, time, body FROM message WHERE seq > ? LIMIT ?')
  take.setReturnArrays(true)
  const move = db.prepare('UPDATE cursor SET next = ?')
  const drop = db.prepare('DELETE FROM message WHERE seq BETWEEN ? AND ?')
  while (!over.aborted) {
    db.exec('BEGIN IMMEDIATE')
    const { next: from } = next.get() as { next: number }
    const rows = take.all(from, batch) as unknown as [number, string, number, string][]
    const [first, last] = [rows[0]?.[0], rows.at(-1)?.[0]]
    if (last !== undefined) move.run(last)
    db.exec('COMMIT')
    if (first !== undefined && last !== undefined) {
      for (const row of rows) count(seen, row[1])
      db.exec('BEGIN IMMEDIATE')
      drop.run(first, last)
      db.exec('COMMIT')
      progress(rows.length)
    }
    await setImmediate()
  }
  db.close()
}
