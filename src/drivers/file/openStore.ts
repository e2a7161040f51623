import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { uuid } from '../../core/ids.ts'
import { Database } from './database.ts'
import { checkWritable, prepareFolder } from './fileSystem.ts'
import { migrate, versionOf } from './migrate.ts'
import { pause } from './pause.ts'
import { releaseReserve } from './reserve.ts'
import { applicationId, schemaVersion } from './schema.ts'
import { asStoreError, damaged, isBusy, storeError } from './storeErrors.ts'

/** The database inside the folder of a store. */
export const databaseName = 'store.db'

/** A file up to this size is checked whole when it is opened: some milliseconds. */
const wholeCheckBytesMax = 4 * 1024 * 1024
/** How long opening waits for the locks of others. */
const openMsMax = 10_000
const pageBytes = 8192

/**
 * Opens the store of a folder, making or migrating it where needed.
 * @throws STORE_UNUSABLE, DISK_FULL, UNAVAILABLE.
 */
export async function openStore(dir: string, signal: AbortSignal): Promise<Database> {
  const folder = resolve(dir)
  const path = join(folder, databaseName)
  prepareFolder(folder)
  for (const suffix of ['', '-wal', '-shm']) checkWritable(path + suffix)
  const untilMs = performance.now() + openMsMax
  for (;;) {
    signal.throwIfAborted()
    try {
      return openOnce(path)
    } catch (error) {
      const told = asStoreError(error, 'open', path)
      const isRoomMade = told.code === 'DISK_FULL' && releaseReserve(folder)
      if (!isRoomMade && (!isBusy(error) || performance.now() > untilMs)) throw told
    }
    await pause(1 + Math.random() * 5)
  }
}

function openOnce(path: string): Database {
  const isNew = checkFile(path)
  const db = new Database(path)
  try {
    if (isNew) db.exec(`PRAGMA page_size = ${pageBytes}`)
    else {
      db.exec('BEGIN') // one look: another process may be making the file at this moment
      checkOurs(db, path)
      db.commit()
    }
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8000')
    migrate(db, () => db.run("INSERT INTO store VALUES (?, '', 0)", uuid()))
    if (!isNew) checkWhole(db, path)
    return db
  } catch (error) {
    db.rollback()
    db.close()
    throw error
  }
}

/**
 * Returns true where there is nothing yet. Never opens the file itself: closing a second
 * descriptor of a database gives up the locks that SQLite has on it in this process.
 */
function checkFile(path: string): boolean {
  if (existsSync(path)) return statSync(path).size === 0
  if (!existsSync(`${path}-wal`) || statSync(`${path}-wal`).size === 0) return true
  throw damaged('open', path, `it is missing, but its log ${path}-wal is there`)
}

function checkOurs(db: Database, path: string): void {
  const { application_id: found } = db.get<{ application_id: number }>('PRAGMA application_id') ?? {
    application_id: 0,
  }
  const version = versionOf(db)
  if (version > schemaVersion && found === applicationId) {
    throw storeError(
      'STORE_UNUSABLE',
      'open',
      `${path} has format ${version}; this program reads formats up to ${schemaVersion}`,
      'Update narrowcast, or open another folder. The store was left as it is.',
    )
  }
  if (found === applicationId && version > 0) return
  if (isEmpty(db)) return
  throw storeError(
    'STORE_UNUSABLE',
    'open',
    `${path} is a database of another program`,
    'Choose another folder.',
  )
}

function isEmpty(db: Database): boolean {
  return db.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined
}

/** A cheap look for damage: the whole of a small file, of a large one its length and its heads. */
function checkWhole(db: Database, path: string): void {
  const pages = db.get<{ page_count: number }>('PRAGMA page_count')?.page_count ?? 0
  const bytes = db.get<{ page_size: number }>('PRAGMA page_size')?.page_size ?? pageBytes
  if (pages * bytes <= wholeCheckBytesMax) {
    const found = db.get<{ quick_check: string }>('PRAGMA quick_check(1)')?.quick_check
    if (found !== 'ok') throw damaged('open', path, found ?? 'the check gave no answer')
  }
  for (const table of ['store', 'channel', 'grp', 'reader']) db.all(`SELECT * FROM ${table}`)
  db.get('SELECT min(at), max(at) FROM log')
}
