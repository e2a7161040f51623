import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ErrorCode } from '../../core/errors.ts'
import { Database } from './database.ts'
import { Housekeeping } from './housekeeping.ts'
import { fillReserve } from './reserve.ts'
import type { Store } from './store.ts'
import { asStoreError, isBusy, storeError } from './storeErrors.ts'
import { lookMs } from './waiting.ts'

/** An empty database beside the store: whoever holds its lock is the keeper. */
const lockName = 'keeper'

/** Met again in a second, and told by whoever publishes or settles meanwhile. */
const passing: ReadonlySet<ErrorCode> = new Set(['DISK_FULL', 'UNAVAILABLE', 'ABORTED'])

/**
 * Of all processes at a store one keeps it in order: it has the log copied in a thread, applies
 * retention, forgets what has run out. It is whoever holds a file lock, which the system takes
 * from a dead process at once; every session asks for it once a second.
 */
export class Keeper {
  readonly #store: Store
  readonly #dir: string
  readonly #lock: Database
  readonly #check: () => void
  readonly #closing = new AbortController()
  readonly #housekeeping: Housekeeping
  #thread: Worker | null = null
  #reserving: Promise<void> | null = null
  readonly #running: Promise<void>

  /** `check` throws when the store is no longer there. */
  constructor(store: Store, dir: string, check: () => void) {
    this.#store = store
    this.#dir = dir
    this.#check = check
    this.#lock = new Database(join(dir, lockName))
    this.#housekeeping = new Housekeeping(store)
    this.#running = this.#run()
  }

  get isKeeper(): boolean {
    return this.#lock.isInTransaction
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#reserving
    const thread = this.#thread
    if (thread) {
      const ended = new Promise((done) => thread.once('exit', done))
      thread.ref() // the last one who awaits a close may have nothing else that keeps the process
      thread.postMessage('stop')
      await ended
    }
    this.#lock.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    const { clock } = this.#store.time
    for (;;) {
      await clock.sleep(lookMs, signal)
      if (signal.aborted) return
      try {
        this.#check()
        await this.#housekeeping.touch(signal)
        const isKeeper = this.#elect()
        // A keeper that was stopped keeps its lock and copies nothing: others do that in its place.
        if (isKeeper || this.#store.pace.isOverdue()) this.#startThread()
        if (!isKeeper) continue
        await this.#housekeeping.step(signal)
        this.#reserving ??= this.#fillReserve()
      } catch (error) {
        if (signal.aborted) return
        const told = asStoreError(error, 'keep', this.#store.db.path)
        if (passing.has(told.code)) continue
        this.#store.failed(told)
        return
      }
    }
  }

  /** Beside the rest: megabytes take their time. */
  async #fillReserve(): Promise<void> {
    await fillReserve(this.#store.db, this.#dir)
    this.#reserving = null
  }

  #elect(): boolean {
    if (this.isKeeper) return true
    try {
      this.#lock.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      if (isBusy(error)) return false
      throw error
    }
    return true
  }

  #startThread(): void {
    if (this.#thread) return
    const { db, failed } = this.#store
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#thread = new Worker(new URL(`./checkpointThread.${extension}`, import.meta.url), {
      workerData: { path: db.path },
    })
    this.#thread.once('exit', () => {
      this.#thread = null
    })
    this.#thread.on('error', (cause) => {
      failed(
        storeError('STORE_UNUSABLE', 'checkpoint', `${db.path}: ${String(cause)}`, null, cause),
      )
    })
    this.#thread.unref()
  }
}
