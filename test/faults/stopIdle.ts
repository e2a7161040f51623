import type { ChildProcess } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'

/** Stops a process where it has the write lock of none of these stores: else everybody waits for it. */
export async function stopIdle(child: ChildProcess, stores: readonly string[]): Promise<void> {
  for (;;) {
    child.kill('SIGSTOP')
    if (stores.every(isFree)) return
    child.kill('SIGCONT')
    await wait(20)
  }
}

/** Others have it for a moment only. */
function isFree(path: string): boolean {
  using db = new DatabaseSync(path, { timeout: 500 })
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK')
    return true
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode === 5) return false
    throw error
  }
}
