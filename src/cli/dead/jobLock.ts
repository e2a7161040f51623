import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Long enough for somebody who only looks to be gone again. */
const waitMs = 1_000

/** Held by one process; the system takes it away from one that dies, however it dies. */
export interface JobLock extends Disposable {
  readonly path: string
}

/** Null where another process holds it. */
export function takeJobLock(path: string): JobLock | null {
  const db = new DatabaseSync(path, { timeout: waitMs })
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (isBusy(error)) return null
    throw error
  }
  return { path, [Symbol.dispose]: () => db.close() }
}

/** Looks whether somebody holds it, and takes nothing. */
export function isJobLocked(path: string): boolean {
  if (!existsSync(path)) return false
  const db = new DatabaseSync(path, { readOnly: true, timeout: 0 })
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    db.close()
  }
}

function isBusy(error: unknown): boolean {
  return (error as { errcode?: unknown } | null)?.errcode === 5
}
