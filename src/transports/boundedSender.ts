import type { Clock } from '../core/clock.ts'
import { systemClock } from '../core/clock.ts'
import { asNarrowcastError, type NarrowcastError } from '../core/errors.ts'
import { uuid } from '../core/ids.ts'
import { backoffMs } from '../runtime/backoff.ts'
import { writeStderrLine } from './notices.ts'
import type { RecordMessage } from './record.ts'
import { type ChannelFor, type SendOutcome, sendBatch } from './sendBatch.ts'
import { type DropReason, SenderAccounts, type SenderStats } from './senderAccounts.ts'
import { SenderQueue, type Waiting } from './senderQueue.ts'
import type { Spool } from './spool.ts'

export interface SenderOptions {
  readonly channelFor: ChannelFor
  readonly clock?: Clock
  /** Waits between two tries; one that does not keep the process alive. @default `clock` */
  readonly pauseClock?: Clock
  /** Records in memory, those on their way included. @default 50_000 */
  readonly recordsMax?: number
  /** @default 8 MiB */
  readonly bytesMax?: number
  /** Who goes when the memory is full. Kept records are spilled. @default 'dropOldest' */
  readonly whenFull?: 'dropOldest' | 'dropNewest'
  /** For kept records. Without one they are dropped like others, loudly. */
  readonly spool?: Spool | null
  /** Where the sender tells of trouble, one line each. @default stderr */
  readonly notice?: (line: string) => void
  /** Told of every record that is lost. */
  readonly onDropped?: (record: RecordMessage, reason: DropReason) => void
  /** Channel that gets a record `transport.dropped` after a loss, once it works again. */
  readonly reportTo?: string | null
  readonly random?: () => number
}

const batch = { count: 500, bytes: 262_144, ageMs: 20 }
const backoff = { delayMsMin: 100, delayMsMax: 30_000 }
/** Longest pause between two tries while somebody waits for a flush or the close. */
const urgentPauseMs = 250

/**
 * The engine under all transports. `write` never waits and never throws; what is written is
 * gathered into batches (500 records, 256 KiB or 20 ms) and sent again with the same ids for as
 * long as there is room. Order is kept among kept records, and among the others.
 */
export class BoundedSender {
  readonly #options: Required<SenderOptions>
  readonly #queue: SenderQueue
  readonly #accounts: SenderAccounts
  /** While broken: before this time nothing new is tried. */
  #brokenUntilMs = 0
  #order: number
  #onTheWay: readonly Waiting[] = []
  /** The part of them that is held in memory alone. */
  #memoryOnTheWay = { count: 0, bytes: 0 }
  #isRunning = false
  #isEnded = false
  #closing: Promise<void> | null = null
  #gathering = new AbortController()
  #pausing = new AbortController()
  #flushes: { readonly upTo: number; readonly done: () => void }[] = []

  constructor(options: SenderOptions) {
    const clock = options.clock ?? systemClock
    this.#options = {
      clock,
      pauseClock: clock,
      recordsMax: 50_000,
      bytesMax: 8_388_608,
      whenFull: 'dropOldest',
      spool: null,
      notice: writeStderrLine,
      onDropped: () => {},
      reportTo: null,
      random: Math.random,
      ...options,
    }
    const { notice, onDropped } = this.#options
    this.#accounts = new SenderAccounts(clock, notice, onDropped)
    this.#queue = new SenderQueue()
    const { spool } = this.#options
    this.#order = (spool?.lastOrder ?? 0) + 1
    this.#accounts.accepted = spool?.count ?? 0
    if (this.#accounts.accepted > 0) this.#start()
  }

  get stats(): SenderStats {
    const { state, accepted, sent, acked, dropped, retries, lastErrorText } = this.#accounts
    const spooledOnTheWay = this.#onTheWay.length - this.#memoryOnTheWay.count
    return {
      state,
      accepted,
      sent,
      acked,
      dropped: { ...dropped },
      spilled: (this.#options.spool?.count ?? 0) - spooledOnTheWay,
      queued: this.#queue.count,
      onTheWay: this.#onTheWay.length,
      retries,
      queueBytes: this.#queue.bytes + this.#memoryOnTheWay.bytes,
      lastError: lastErrorText,
    }
  }

  /** Takes a record; never waits, never throws. */
  write(message: RecordMessage): void {
    this.#accounts.accepted++
    const { spool, clock } = this.#options
    const waiting = {
      order: this.#order++,
      message,
      sinceMs: clock.monotonicMs(),
      isSpooled: false,
    }
    if (this.#closing !== null) this.#accounts.drop(message, 'closed')
    else if (message.keep && spool !== null && (spool.count > 0 || this.#isBroken())) {
      this.#spill([waiting])
    } else if (this.#isBroken()) this.#accounts.drop(message, 'no-connection')
    else {
      this.#queue.push(waiting)
      this.#makeRoom()
    }
    if (this.#isBatchFull()) this.#gathering.abort()
    this.#start()
  }

  /** Something that is no record: counted, told, gone. */
  writeUnparsable(line: string): void {
    this.#accounts.accepted++
    const nowMs = this.#options.clock.wallMs()
    const lost = { id: '', channel: '', key: null, timeMs: nowMs, data: line, keep: false }
    this.#accounts.drop({ ...lost, bytes: line.length }, 'unparsable')
  }

  /**
   * Waits until everything written so far is acked or dropped, or until the time is over.
   * Resolves true when it is.
   */
  async flush(timeoutMs = 2_000): Promise<boolean> {
    const upTo = this.#order - 1
    if (this.#isSettledUpTo(upTo)) return true
    const settled = Promise.withResolvers<boolean>()
    const flush = { upTo, done: () => settled.resolve(true) }
    this.#flushes.push(flush)
    this.#hurry()
    const stop = new AbortController()
    const timedOut = this.#options.clock.sleep(timeoutMs, stop.signal).then(() => false)
    const result = await Promise.race([settled.promise, timedOut])
    stop.abort()
    this.#flushes = this.#flushes.filter((other) => other !== flush)
    return result
  }

  /**
   * Takes nothing more, sends what it can before the deadline. Then kept records are spilled, the
   * rest counts as dropped. Closing twice is fine.
   */
  close(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? 2_000)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    await this.flush(timeoutMs)
    this.#isEnded = true
    this.#hurry()
    const onTheWay = this.#onTheWay.filter((waiting) => !waiting.isSpooled)
    this.#setOnTheWay([])
    const left = [...onTheWay, ...this.#queue.takeAll()]
    this.#spill(left.filter(({ message }) => message.keep))
    for (const { message } of left) if (!message.keep) this.#accounts.drop(message, 'deadline')
    const { spool, notice } = this.#options
    if (spool && spool.count > 0) {
      notice(`narrowcast: ${spool.count} records are kept in ${spool.place} for the next start`)
    }
    this.#accounts.close()
    spool?.close()
  }

  #isBroken(): boolean {
    return (
      this.#accounts.state === 'broken' && this.#options.clock.monotonicMs() < this.#brokenUntilMs
    )
  }

  #makeRoom(): void {
    const { recordsMax, bytesMax, whenFull, spool } = this.#options
    const { count, bytes } = this.#memoryOnTheWay
    const queue = this.#queue
    while (
      queue.count > 0 &&
      (queue.count + count > recordsMax || queue.bytes + bytes > bytesMax)
    ) {
      // All kept ones at once, so that they stay in order on disk.
      if (spool !== null && queue.kept > 0) this.#spill(queue.takeKept())
      else {
        const victim = whenFull === 'dropOldest' ? queue.shift() : queue.pop()
        if (victim) this.#accounts.drop(victim.message, 'full')
      }
    }
  }

  #spill(records: readonly Waiting[]): void {
    if (records.length === 0) return
    const { spool } = this.#options
    let stored = 0
    let reason: DropReason = 'spool-full'
    try {
      stored = spool?.put(records) ?? 0
      if (spool === null) reason = 'spool-failed'
    } catch (error) {
      reason = 'spool-failed'
      this.#accounts.lastError = asNarrowcastError(error, 'DISK_FULL')
    }
    for (const { message } of records.slice(stored)) this.#accounts.drop(message, reason)
  }

  #start(): void {
    if (this.#isRunning || this.#isEnded) return
    this.#isRunning = true
    void this.#run()
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isEnded && this.#hasWork()) {
        await this.#gather()
        const isWhole = this.#isEnded || (await this.#send())
        this.#tellFlushes()
        if (!isWhole && !this.#isEnded) await this.#pause()
      }
    } finally {
      this.#isRunning = false
    }
  }

  #hasWork(): boolean {
    return this.#queue.count > 0 || (this.#options.spool?.count ?? 0) > 0
  }

  #isBatchFull(): boolean {
    return this.#queue.count >= batch.count || this.#queue.bytes >= batch.bytes
  }

  /** Waits until a batch is full, old enough, or wanted now. */
  async #gather(): Promise<void> {
    const { clock, spool } = this.#options
    const oldest = this.#queue.first
    if (!oldest || (spool && spool.count > 0) || this.#flushes.length > 0) return
    const restMs = batch.ageMs - (clock.monotonicMs() - oldest.sinceMs)
    if (this.#isBatchFull() || restMs <= 0) return
    this.#gathering = new AbortController()
    await clock.sleep(restMs, this.#gathering.signal)
  }

  async #pause(): Promise<void> {
    const { clock, pauseClock, random } = this.#options
    const planMs = backoffMs(this.#accounts.failures - 1, backoff, random)
    const pauseMs = this.#flushes.length > 0 ? Math.min(planMs, urgentPauseMs) : planMs
    this.#brokenUntilMs = clock.monotonicMs() + pauseMs
    this.#pausing = new AbortController()
    await pauseClock.sleep(pauseMs, this.#pausing.signal)
  }

  #hurry(): void {
    this.#gathering.abort()
    this.#pausing.abort()
  }

  /** Sends one batch; false when a part of it has to be sent again. */
  async #send(): Promise<boolean> {
    const waiting = this.#take()
    if (waiting === null) return false
    this.#setOnTheWay(waiting)
    this.#accounts.sent += waiting.length
    const messages = waiting.map(({ message }) => message)
    const outcomes = await sendBatch(messages, this.#options.channelFor)
    // The close has ended meanwhile and has settled the accounts.
    if (this.#isEnded) return true
    this.#setOnTheWay([])
    return this.#settle(waiting, outcomes)
  }

  /** From the spool first, but at most half of a batch while others wait. null: it cannot be read. */
  #take(): Waiting[] | null {
    const { spool } = this.#options
    if (!spool || spool.count === 0) return this.#queue.take(batch.count, batch.bytes)
    const share = this.#queue.count > 0 ? 2 : 1
    try {
      const spooled = spool
        .oldest(Math.floor(batch.count / share), Math.floor(batch.bytes / share))
        .map((record) => ({ ...record, sinceMs: 0, isSpooled: true }))
      const rest = share === 2 ? this.#queue.take(batch.count / 2, batch.bytes / 2) : []
      return [...spooled, ...rest]
    } catch (error) {
      this.#failed(asNarrowcastError(error), 'retrying')
      return null
    }
  }

  /** False when a part of the batch has to be sent again. */
  #settle(batch: readonly Waiting[], outcomes: readonly SendOutcome[]): boolean {
    const those = (...kinds: SendOutcome['kind'][]) =>
      batch.filter((_, n) => kinds.includes((outcomes[n] as SendOutcome).kind))
    const isRemoved = this.#removeSpooled(those('acked', 'refused'))
    // What stays in the spool is sent again later, with the same ids.
    const isDone = (waiting: Waiting) => isRemoved || !waiting.isSpooled
    this.#accounts.acked += those('acked').filter(isDone).length
    const errors = outcomes.flatMap((outcome) => (outcome.kind === 'acked' ? [] : [outcome]))
    for (const { error } of errors) this.#accounts.lastError = error
    for (const { message } of those('refused').filter(isDone)) {
      this.#accounts.drop(message, 'refused')
    }
    const broken = errors.find(({ kind }) => kind === 'hopeless')
    const failed = broken ?? errors.find(({ kind }) => kind === 'failed')
    if (failed) this.#failed(failed.error, broken ? 'broken' : 'retrying')
    else if (those('acked').length > 0) this.#worked()
    this.#takeBack(those('failed', 'hopeless'), broken !== undefined)
    return failed === undefined && isRemoved
  }

  #removeSpooled(waiting: readonly Waiting[]): boolean {
    const orders = waiting.filter(({ isSpooled }) => isSpooled).map(({ order }) => order)
    if (orders.length === 0) return true
    try {
      this.#options.spool?.remove(orders)
      return true
    } catch (error) {
      this.#failed(asNarrowcastError(error), 'retrying')
      return false
    }
  }

  /** Kept ones go to disk: while the broker is away nothing but the disk survives a kill. */
  #takeBack(again: readonly Waiting[], isBroken: boolean): void {
    this.#queue.putBack(again.filter((waiting) => !waiting.isSpooled))
    if (this.#options.spool !== null && (isBroken || again.some(({ message }) => message.keep))) {
      this.#spill(this.#queue.takeKept())
    }
    if (isBroken) {
      for (const { message } of this.#queue.takeAll()) this.#accounts.drop(message, 'no-connection')
    }
    this.#makeRoom()
  }

  #failed(error: NarrowcastError, state: 'retrying' | 'broken'): void {
    const onDisk = this.#options.spool?.count ?? 0
    const waiting = `${this.#queue.count + this.#onTheWay.length} in memory, ${onDisk} on disk`
    this.#accounts.failed(error, state, waiting)
  }

  #worked(): void {
    const { reportTo, clock } = this.#options
    const loss = this.#accounts.worked()
    if (loss === null || reportTo === null || this.#closing !== null) return
    const from = new Date(loss.fromMs).toISOString()
    const to = new Date(loss.toMs).toISOString()
    const data = { event: 'transport.dropped', count: loss.count, from, to }
    const timeMs = clock.wallMs()
    const bytes = JSON.stringify(data).length
    this.write({ id: uuid(), channel: reportTo, key: null, timeMs, data, bytes, keep: false })
  }

  #setOnTheWay(waiting: readonly Waiting[]): void {
    this.#onTheWay = waiting
    const inMemory = waiting.filter(({ isSpooled }) => !isSpooled)
    const bytes = inMemory.reduce((sum, { message }) => sum + message.bytes, 0)
    this.#memoryOnTheWay = { count: inMemory.length, bytes }
  }

  #isSettledUpTo(order: number): boolean {
    const first = Math.min(
      this.#queue.first?.order ?? Number.POSITIVE_INFINITY,
      this.#onTheWay[0]?.order ?? Number.POSITIVE_INFINITY,
      this.#options.spool?.count ? 0 : Number.POSITIVE_INFINITY,
    )
    return first > order
  }

  #tellFlushes(): void {
    for (const flush of this.#flushes) if (this.#isSettledUpTo(flush.upTo)) flush.done()
  }
}
