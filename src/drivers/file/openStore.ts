import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { NarrowcastError } from '../../core/errors.ts'
import { uuid } from '../../core/ids.ts'
import { checkFile, checkOurs, checkWhole, signsBeside } from './checkStore.ts'
import { Database } from './database.ts'
import { checkWritable, prepareFolder } from './fileSystem.ts'
import { migrate } from './migrate.ts'
import { pause } from './pause.ts'
import { releaseReserve } from './reserve.ts'
import { asStoreError, isBusy, lockedError, lockMsMax, storeError } from './storeErrors.ts'

/** The database inside the folder of a store. */
export const databaseName = 'store.db'

const pageBytes = 8192

/**
 * Opens the store of a folder, making or migrating it where needed. With `known`, the id of a store
 * that this program has had there, only that one is opened.
 * @throws STORE_UNUSABLE, DISK_FULL, UNAVAILABLE.
 */
export async function openStore(
  dir: string,
  known: string | null,
  signal: AbortSignal,
): Promise<Database> {
  const folder = resolve(dir)
  const path = join(folder, databaseName)
  if (known !== null && !existsSync(path)) throw lostStore(path, 'is gone')
  prepareFolder(folder)
  for (const suffix of ['', '-wal', '-shm']) checkWritable(path + suffix)
  const untilMs = performance.now() + lockMsMax
  signal.throwIfAborted()
  for (;;) {
    try {
      return checkKnown(openOnce(path), known)
    } catch (error) {
      const isWaiting = isBusy(error) && performance.now() <= untilMs
      const told = isWaiting ? null : asStoreError(error, 'open', path)
      if (told && !(told.code === 'DISK_FULL' && releaseReserve(folder))) throw told
      checkGoesOn(signal, path)
    }
    await pause(1 + Math.random() * 5)
  }
}

/** Begins a transaction that writes. @throws UNAVAILABLE, or the reason of the signal. */
export async function beginOpening(db: Database, signal: AbortSignal): Promise<void> {
  const untilMs = performance.now() + lockMsMax
  while (!db.begin()) {
    checkGoesOn(signal, db.path)
    if (performance.now() > untilMs) throw lockedError('UNAVAILABLE', 'open', db.path)
    await pause(1 + Math.random() * 5)
  }
}

/** Whoever sets a time limit wants to know what has used it up. @throws the signal's reason. */
function checkGoesOn(signal: AbortSignal, path: string): void {
  if (!signal.aborted) return
  const { name } = (signal.reason ?? {}) as { name?: unknown }
  throw name === 'TimeoutError'
    ? lockedError('UNAVAILABLE', 'open', path, signal.reason)
    : signal.reason
}

/** The id of a store, by chance and for ever. */
export function storeId(db: Database): string {
  return db.get<{ id: string }>('SELECT id FROM store')?.id ?? ''
}

function checkKnown(db: Database, known: string | null): Database {
  const found = storeId(db)
  if (known === null || found === known) return db
  db.close()
  throw lostStore(db.path, `is another store (${found}) than the one that was open (${known})`)
}

function lostStore(path: string, what: string): NarrowcastError {
  return storeError(
    'STORE_UNUSABLE',
    'open',
    `${path} ${what}; this program goes on only with the store that it had`,
    `Put the folder ${dirname(path)} back. To go on with what is there now, or with an empty store, start the program anew.`,
  )
}

function openOnce(path: string): Database {
  const signs = signsBeside(path)
  const isNew = checkFile(path, signs)
  const db = new Database(path)
  try {
    if (isNew) db.exec(`PRAGMA page_size = ${pageBytes}`)
    else checkOurs(db, path, signs)
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
