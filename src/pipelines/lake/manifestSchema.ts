import type { DatabaseSync } from 'node:sqlite'
import { NarrowcastError } from '../../core/errors.ts'

/** Rises with every change of the tables below; an older program refuses a newer manifest. */
export const manifestFormat = 1

const tables = `
CREATE TABLE pipelines(n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,
  pattern TEXT NOT NULL, ranMs INTEGER NOT NULL, seenMs INTEGER NOT NULL) STRICT;
CREATE TABLE slots(slot INTEGER PRIMARY KEY, owner TEXT NOT NULL UNIQUE, pipeline INTEGER NOT NULL,
  worker TEXT NOT NULL, pid INTEGER NOT NULL, boot TEXT NOT NULL, started TEXT NOT NULL,
  beats INTEGER NOT NULL, seenMs INTEGER NOT NULL) STRICT;
CREATE TABLE expelled(owner TEXT PRIMARY KEY, atMs INTEGER NOT NULL, isClean INTEGER NOT NULL) STRICT;
CREATE TABLE commits(n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pipeline INTEGER NOT NULL,
  owner TEXT NOT NULL, atMs INTEGER NOT NULL, messages INTEGER NOT NULL, dead INTEGER NOT NULL,
  bucket INTEGER NOT NULL, settledMs INTEGER) STRICT;
CREATE TABLE files(path TEXT PRIMARY KEY, commitN INTEGER NOT NULL, kind TEXT NOT NULL,
  tableName TEXT NOT NULL, version INTEGER NOT NULL, temp TEXT NOT NULL, rows INTEGER NOT NULL,
  bytes INTEGER NOT NULL, stats TEXT NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX filesOfCommit ON files(commitN);
CREATE INDEX filesInTemp ON files(temp) WHERE state = 'committed';
CREATE INDEX filesOfDead ON files(bytes) WHERE kind = 'dead';
CREATE INDEX commitsOpen ON commits(atMs) WHERE settledMs IS NULL;
CREATE TABLE tables(name TEXT NOT NULL, version INTEGER NOT NULL, columns TEXT NOT NULL,
  PRIMARY KEY(name, version)) STRICT, WITHOUT ROWID;
`

function formatOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version)
}

/** Makes the tables of a new manifest, in one transaction, and refuses a newer one. */
export function ensureSchema(db: DatabaseSync, path: string): void {
  if (formatOf(db) === 0) {
    db.exec('BEGIN IMMEDIATE')
    try {
      // Another process may have made them while we waited for the lock.
      if (formatOf(db) === 0) db.exec(`${tables} PRAGMA user_version = ${manifestFormat}`)
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
  const format = formatOf(db)
  if (format === manifestFormat) return
  throw new NarrowcastError(
    'STORE_UNUSABLE',
    `${path}: the manifest has format ${format}, this program knows ${manifestFormat}`,
    { hint: 'A newer narrowcast made it: install that version.' },
  )
}
