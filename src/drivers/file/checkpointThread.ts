import { statSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { Database } from './database.ts'
import { canCopyLog } from './diskRoom.ts'
import { freeBytes } from './freeBytes.ts'
import { asStoreError, isBusy } from './storeErrors.ts'

/** With less room than this the log is copied as soon as it has changed: settling needs the rest. */
const shortBytes = 256 * 1024 * 1024
/** How often the log is looked at: while it changes, and when it has not since the last look. */
const lookMs = { busy: 100, idle: 500 }
/** Above this the log is copied into the database as soon as it has changed. */
const copyBytes = 8 * 1024 * 1024
/** A smaller log is copied this long after the last time. */
const copyMs = 5_000
/** Above this the log is emptied too, */
const emptyBytes = 64 * 1024 * 1024
/** on a disk with little room above this share of what is free, */
const emptyShare = 1 / 4
/** once so little is left to be copied: writers wait for that part, some milliseconds. */
const restBytesMax = 4 * 1024 * 1024
/** The longest wait for readers when the log is emptied. */
const waitMs = 50

interface Copied {
  /** 1: another one is copying. */
  readonly busy: number
  /** Pages in the log, and how many of them were copied. */
  readonly log: number
  readonly checkpointed: number
}

/**
 * Copies the write-ahead log into the database, in a thread of the one elected process: syncing
 * takes its time and must not stop an event loop. Copying alone waits for nobody. Under constant
 * writing it never comes to the end of the log, so beyond a size it takes the lock for the rest.
 */
function run(path: string): void {
  const db = new Database(path, waitMs)
  db.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0')
  const pageBytes = db.get<{ page_size: number }>('PRAGMA page_size')?.page_size ?? 0
  let copiedMs = performance.now()
  let seen = -1
  let copied = -1
  /** Returns after how many ms to look again. */
  const look = (): number => {
    const version = db.get<{ data_version: number }>('PRAGMA data_version')?.data_version ?? 0
    const bytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
    const nowMs = performance.now()
    const waitMs = version === seen ? lookMs.idle : lookMs.busy
    seen = version
    if (version === copied) return waitMs
    const free = freeBytes(path)
    const isDue = bytes > copyBytes || nowMs - copiedMs >= copyMs || free < shortBytes
    if (!isDue || !canCopyLog(db)) return waitMs
    copiedMs = nowMs
    const done = db.get<Copied>('PRAGMA wal_checkpoint(PASSIVE)')
    // What a reader still needs stays behind: it is copied when he has ended.
    if (done?.busy === 0 && done.log === done.checkpointed) copied = version
    if (bytes <= Math.min(emptyBytes, free * emptyShare) || !done) return waitMs
    if ((done.log - done.checkpointed) * pageBytes > restBytesMax) return 1
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    return waitMs
  }
  const again = () => {
    const ms = attempt(path, look) ?? lookMs.busy
    timer = setTimeout(again, ms)
  }
  let timer = setTimeout(again, lookMs.busy)
  parentPort?.once('message', () => {
    clearTimeout(timer)
    attempt(path, () => {
      if (canCopyLog(db)) db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    })
    db.close()
    parentPort?.close()
  })
}

/** A lock or a full disk is met again at the next look; writers tell of a full disk themselves. */
function attempt<T>(path: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (isBusy(error)) return undefined
    const told = asStoreError(error, 'checkpoint', path)
    if (told.code !== 'DISK_FULL') throw error
    return undefined
  }
}

run((workerData as { path: string }).path)
