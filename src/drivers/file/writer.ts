import type { NarrowcastError } from '../../core/errors.ts'
import type { Database } from './database.ts'
import { pause } from './pause.ts'
import {
  asStoreError,
  endsSession,
  lockedError,
  lockMsMax,
  notBegun,
  storeError,
} from './storeErrors.ts'
import type { Syncer } from './syncer.ts'

interface Job {
  readonly operation: string
  readonly durable: boolean
  readonly isStoring: boolean
  readonly isClosing: boolean
  readonly sinceMs: number
  readonly work: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A transaction takes further waiting jobs in until it has lasted this long. */
const transactionMs = 1.5
/** Beyond this much work the event loop gets a turn before the next transaction. */
const turnMs = 1
/** Pauses while another process has the lock: from a turn of the loop up to this. */
const busyPauseMsMax = 5
/** Closing has a deadline of its own: what cannot be given back comes again by its lease. */
const closeLockMsMax = 1_000

interface RunOptions {
  readonly signal?: AbortSignal
  /** @default true */
  readonly durable?: boolean
  /** It brings new messages, so it is the first to go when the disk is full. @default false */
  readonly isStoring?: boolean
  /** Waits for a lock no longer than a second, counted from when it was first missed. @default false */
  readonly isClosing?: boolean
}

export interface WriterOptions {
  readonly db: Database
  /** sync=full: an answer is given when it is on the disk. */
  readonly syncer: Syncer | null
  /** Before each transaction; throws when the store is no longer there. */
  readonly check: () => void
  /** After the nth write in a row that met a full disk; false when nothing helps. */
  readonly makeRoom: (attempt: number) => Promise<boolean>
  /** After each transaction; resolves when there is room enough to copy the log, null: there is. */
  readonly keepRoom: () => Promise<unknown> | null
  /** Damage, or a vanished store. */
  readonly failed: (error: NarrowcastError) => void
}

/**
 * All writing of one session. Jobs run in their order, those that wait together share a
 * transaction, and the lock is never waited for inside SQLite. A job may be run again after its
 * transaction was rolled back, so it changes nothing but the database.
 */
export class Writer {
  readonly #options: WriterOptions
  #jobs: Job[] = []
  #draining: Promise<void> | null = null
  /** Spent in transactions during this turn of the event loop. */
  #busyMs = 0
  #isTurnAwaited = false
  /** What met a full disk and is first to run again. */
  #stuck: { jobs: readonly Job[]; error: NarrowcastError } | null = null
  #attemptsAtRoom = 0
  /** Since when another one has the lock, and when that was seen last. */
  #lockedMs: number | null = null
  #missedMs = 0
  #ended: NarrowcastError | null = null

  constructor(options: WriterOptions) {
    this.#options = options
  }

  /**
   * Resolves with what `work` returned once that is committed, and with sync=full on the disk if
   * it is `durable`. An abort ends only the waiting for the lock, and so does a limit of ten
   * seconds. @throws UNAVAILABLE for that; for a signal its code if it is ours, else ABORTED.
   */
  run<T>(
    operation: string,
    work: () => T,
    { signal, durable = true, isStoring = false, isClosing = false }: RunOptions = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#ended) return reject(this.#ended)
      if (signal?.aborted) return reject(this.#notBegun(operation, signal))
      const abort = () => {
        const at = this.#jobs.indexOf(job)
        if (at < 0 || !signal) return
        this.#jobs.splice(at, 1)
        job.reject(this.#notBegun(operation, signal))
      }
      const job: Job = {
        operation,
        durable,
        isStoring,
        isClosing,
        sinceMs: performance.now(),
        work,
        resolve: (value) => {
          signal?.removeEventListener('abort', abort)
          resolve(value as T)
        },
        reject: (error) => {
          signal?.removeEventListener('abort', abort)
          reject(error)
        },
      }
      signal?.addEventListener('abort', abort)
      this.#jobs.push(job)
      this.#draining ??= this.#drain()
    })
  }

  /** Ends what waits and refuses what comes. */
  end(error: NarrowcastError): void {
    this.#ended ??= error
    for (const job of this.#jobs.splice(0)) job.reject(error)
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#draining !== null) await this.#draining
  }

  async #drain(): Promise<void> {
    await Promise.resolve() // what is asked in the same turn travels together
    let busy = 0
    while (this.#jobs.length > 0) {
      await this.#letOthersRun()
      if (!this.#step()) {
        busy++
        this.#endLongWaits()
        await pause(busy < 3 ? 0 : Math.random() * Math.min(busy, busyPauseMsMax))
        continue
      }
      busy = 0
      this.#lockedMs = null
      if (this.#stuck) await this.#makeRoom(this.#stuck)
      else await this.#keepRoom()
    }
    this.#draining = null
  }

  /** Another one has the lock, maybe for good. */
  #endLongWaits(): void {
    const nowMs = performance.now()
    const isKnown = nowMs - this.#missedMs < closeLockMsMax
    const lockedMs = isKnown && this.#lockedMs !== null ? this.#lockedMs : nowMs
    this.#lockedMs = lockedMs
    this.#missedMs = nowMs
    const isOver = ({ isClosing, sinceMs }: Job) =>
      isClosing
        ? nowMs - lockedMs > closeLockMsMax
        : nowMs - Math.max(sinceMs, lockedMs) > lockMsMax
    const over = this.#jobs.filter(isOver)
    if (over.length === 0) return
    this.#jobs = this.#jobs.filter((job) => !over.includes(job))
    const { path } = this.#options.db
    for (const job of over) job.reject(lockedError('UNAVAILABLE', job.operation, path))
  }

  #notBegun(operation: string, signal: AbortSignal): NarrowcastError {
    const isLocked = this.#draining !== null && this.#lockedMs !== null
    return notBegun(operation, this.#options.db.path, signal, isLocked)
  }

  async #keepRoom(): Promise<void> {
    try {
      await this.#options.keepRoom()
    } catch (cause) {
      this.#damaged(cause)
    }
  }

  /** Of what happens beside the jobs only damage matters: the rest is met again by the next job. */
  #damaged(cause: unknown): void {
    const told = asStoreError(cause, 'checkpoint', this.#options.db.path)
    if (endsSession(told)) this.#fail(told)
  }

  /** When nothing helps, those who met the full disk are told. */
  async #makeRoom({
    jobs,
    error,
  }: {
    jobs: readonly Job[]
    error: NarrowcastError
  }): Promise<void> {
    this.#stuck = null
    try {
      if (await this.#options.makeRoom(this.#attemptsAtRoom++)) return
    } catch (cause) {
      this.#damaged(cause)
    }
    this.#attemptsAtRoom = 0
    const waiting = this.#jobs
    this.#jobs = waiting.filter((job) => !jobs.includes(job))
    for (const job of waiting) if (jobs.includes(job)) job.reject(error)
  }

  /** A caller that asks again as soon as it is answered would else never end its turn. */
  async #letOthersRun(): Promise<void> {
    if (!this.#isTurnAwaited) {
      this.#isTurnAwaited = true
      setImmediate(() => {
        this.#isTurnAwaited = false
        this.#busyMs = 0
      })
    }
    if (this.#busyMs > turnMs) await pause(0)
  }

  /** One transaction. False when the lock is taken. */
  #step(): boolean {
    const startMs = performance.now()
    const isDone = this.#attempt(startMs)
    this.#busyMs += performance.now() - startMs
    return isDone
  }

  #attempt(startMs: number): boolean {
    const { db, check } = this.#options
    const done: { job: Job; value: unknown }[] = []
    let job: Job | undefined
    try {
      check()
      if (!db.begin()) return false
      const endMs = startMs + transactionMs
      do {
        job = this.#jobs.shift()
        if (job) done.push({ job, value: job.work() })
      } while (this.#jobs.length > 0 && performance.now() < endMs)
      job = undefined
      db.commit()
    } catch (error) {
      this.#undo(done, job, error)
      return true
    }
    this.#attemptsAtRoom = 0
    this.#answer(done)
    return true
  }

  /** The job that failed is told; its companions run again without it. */
  #undo(done: readonly { job: Job }[], failed: Job | undefined, cause: unknown): void {
    const { db } = this.#options
    db.rollback()
    const operation = failed?.operation ?? done[0]?.job.operation ?? 'write'
    const error = asStoreError(cause, operation, db.path)
    const isFull = error.code === 'DISK_FULL'
    if (isFull && !failed?.isStoring) {
      this.#setAside([...done.map(({ job }) => job), ...(failed ? [failed] : [])], error)
    } else if (failed) {
      failed.reject(error)
      this.#jobs.unshift(...done.map(({ job }) => job))
    } else {
      // Not even begun, or not committed: then whoever waits would meet the same.
      for (const job of done.length > 0 ? done.map((one) => one.job) : this.#jobs.splice(0)) {
        job.reject(error)
      }
    }
    if (endsSession(error)) this.#fail(error)
  }

  /** A full disk: what brings more is refused, the rest runs again, alone or after making room. */
  #setAside(jobs: readonly Job[], error: NarrowcastError): void {
    const rest = jobs.filter((job) => !job.isStoring)
    for (const job of jobs) if (job.isStoring) job.reject(error)
    this.#jobs.unshift(...rest)
    if (rest.length < jobs.length) return
    this.#stuck = { jobs: rest.length > 0 ? rest : [...this.#jobs], error }
  }

  #fail(error: NarrowcastError): void {
    this.end(error)
    this.#options.failed(error)
  }

  #answer(done: readonly { job: Job; value: unknown }[]): void {
    const { syncer, db } = this.#options
    const waiting = syncer ? done.filter(({ job }) => job.durable) : []
    for (const { job, value } of done) {
      if (waiting.length === 0 || !job.durable) job.resolve(value)
    }
    if (!syncer || waiting.length === 0) return
    const answer = () => {
      for (const { job, value } of waiting) job.resolve(value)
    }
    syncer.sync().then(answer, (cause: unknown) => {
      const error = storeError(
        'CONNECTION_LOST',
        'sync',
        `the disk of ${db.path} did not take what was written`,
        null,
        cause,
      )
      for (const { job } of waiting) job.reject(error)
      this.#fail(error)
    })
  }
}
