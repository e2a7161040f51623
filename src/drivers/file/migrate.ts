import type { Database } from './database.ts'
import { applicationId, migrations } from './schema.ts'

/**
 * Brings a file forward, each step and its number in one transaction: a kill between leaves the
 * older format whole, and of several openers one does each step. `made` runs with the first step.
 */
export function migrate(
  db: Database,
  made: () => void,
  steps: readonly string[] = migrations,
): void {
  while (versionOf(db) < steps.length) {
    db.exec('BEGIN IMMEDIATE')
    const from = versionOf(db)
    if (from < steps.length) {
      db.exec(steps[from] as string)
      if (from === 0) {
        db.exec(`PRAGMA application_id = ${applicationId}`)
        made()
      }
      db.exec(`PRAGMA user_version = ${from + 1}`)
    }
    db.commit()
  }
}

/** The format of a file; 0: nothing is in it yet. */
export function versionOf(db: Database): number {
  return db.get<{ user_version: number }>('PRAGMA user_version')?.user_version ?? 0
}
