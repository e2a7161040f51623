import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from './database.ts'
import { versionOf } from './migrate.ts'
import { applicationId, schemaVersion } from './schema.ts'
import { damaged, storeError } from './storeErrors.ts'

/** A file up to this size is checked whole when it is opened: some milliseconds. */
const wholeCheckBytesMax = 4 * 1024 * 1024

/**
 * What a session makes in the folder once the store is whole: where it is, nobody makes the store
 * for the first time. It is looked for before the store is, because others may open meanwhile.
 */
export function signsBeside(path: string): readonly string[] {
  return ['keeper', 'bells'].filter((name) => existsSync(join(dirname(path), name)))
}

/**
 * Returns true where there is nothing yet. Never opens the file itself: closing a second
 * descriptor of a database gives up the locks that SQLite has on it in this process.
 * @throws STORE_UNUSABLE where a store was. SQLite would remove its log and begin anew.
 */
export function checkFile(path: string, signs: readonly string[]): boolean {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size
  if (bytes !== undefined && bytes > 0) return false
  const what = bytes === undefined ? 'is missing' : 'is empty'
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  // A log comes after the first page: looked at again, that page must be there by now.
  if (logBytes > 0 && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) {
    throw damaged('open', path, `it ${what}, but its log ${path}-wal is there`)
  }
  checkNeverMade(path, what, signs)
  return true
}

function checkNeverMade(path: string, what: string, signs: readonly string[]): void {
  if (signs.length === 0) return
  throw storeError(
    'STORE_UNUSABLE',
    'open',
    `${path} ${what}, though ${signs.join(' and ')} beside it say that a store was made here; expected its messages`,
    `Nothing was changed. Put store.db back from a copy, with its store.db-wal if there is one. To begin with an empty store remove the whole folder ${dirname(path)}.`,
  )
}

/**
 * Is it a store of ours, of a format that we know, or still empty? All of it in one look, in one
 * transaction: another process may be making the store at this moment.
 * @throws STORE_UNUSABLE, with the transaction left open.
 */
export function checkOurs(db: Database, path: string, signs: readonly string[]): void {
  db.exec('BEGIN')
  const found = db.get<{ application_id: number }>('PRAGMA application_id')?.application_id
  const version = versionOf(db)
  if (version > schemaVersion && found === applicationId) {
    throw storeError(
      'STORE_UNUSABLE',
      'open',
      `${path} has format ${version}; this program reads formats up to ${schemaVersion}`,
      'Update narrowcast, or open another folder. The store was left as it is.',
    )
  }
  if (isEmpty(db)) checkNeverMade(path, 'holds nothing', signs)
  else if (found !== applicationId || version === 0) {
    throw storeError(
      'STORE_UNUSABLE',
      'open',
      `${path} is a database of another program`,
      'Choose another folder.',
    )
  }
  db.commit()
}

function isEmpty(db: Database): boolean {
  return db.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined
}

/** A cheap look for damage: the whole of a small file, of a large one its length and its heads. */
export function checkWhole(db: Database, path: string): void {
  const pages = db.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0
  const bytes = db.get<{ page_size: number }>('PRAGMA page_size')?.page_size ?? 0
  if (pages * bytes <= wholeCheckBytesMax) {
    const found = db.get<{ quick_check: string }>('PRAGMA quick_check(1)')?.quick_check
    if (found !== 'ok') throw damaged('open', path, found ?? 'the check gave no answer')
  }
  for (const table of ['store', 'channel', 'grp', 'reader', 'inbox', 'subscriber'])
    db.all(`SELECT * FROM ${table}`)
  for (const table of ['log', 'unread']) db.get(`SELECT min(at), max(at) FROM ${table}`)
}
