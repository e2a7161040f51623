import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { Database } from './database.ts'
import { asStoreError, isBusy } from './storeErrors.ts'

/** How often the log is looked at. */
const lookMs = 100
/** Above this the log is copied into the database as soon as it has changed. */
const copyBytes = 8 * 1024 * 1024
/** A smaller log is copied this long after the last time. */
const copyMs = 5_000
/** Above this the log is emptied too: writers wait meanwhile, some milliseconds. */
const emptyBytes = 64 * 1024 * 1024
/** The longest wait for readers when the log is emptied. */
const waitMs = 50

/**
 * Copies the write-ahead log into the database, in a thread of the one elected process: syncing
 * takes its time and must not stop an event loop. Copying alone waits for nobody. Under constant
 * writing it never comes to the end of the log, so beyond a size it takes the lock for the rest.
 */
function run(path: string): void {
  const db = new Database(path, waitMs)
  db.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0')
  let copiedMs = performance.now()
  let seen = -1
  const look = () => {
    const version = db.get<{ data_version: number }>('PRAGMA data_version')?.data_version ?? 0
    const bytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
    const nowMs = performance.now()
    if (version === seen || (bytes <= copyBytes && nowMs - copiedMs < copyMs)) return
    seen = version
    copiedMs = nowMs
    db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    if (bytes > emptyBytes) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }
  const timer = setInterval(() => attempt(path, look), lookMs)
  parentPort?.once('message', () => {
    clearInterval(timer)
    attempt(path, () => db.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    db.close()
    parentPort?.close()
  })
}

/** A lock or a full disk is met again at the next look; writers tell of a full disk themselves. */
function attempt(path: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    if (isBusy(error)) return
    const told = asStoreError(error, 'checkpoint', path)
    if (told.code !== 'DISK_FULL') throw error
  }
}

run((workerData as { path: string }).path)
