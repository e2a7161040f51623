import { asNarrowcastError, type NarrowcastError } from '../../core/errors.ts'
import type { RecordMessage } from '../record.ts'
import { type SendOutcome, sendBatch } from './sendBatch.ts'
import { type DropReason, lossRecord, SenderAccounts, type SenderStats } from './accounts.ts'
import { SenderFlushes } from './flushes.ts'
import { SenderOnTheWay } from './onTheWay.ts'
import { type SenderOptions, wholeOptions } from './options.ts'
import { SenderPace } from './pace.ts'
import { SenderQueue, type Waiting } from './queue.ts'
import type { Spool } from './spool.ts'

const batch = { count: 500, bytes: 262_144 }

/**
 * The engine under all transports. `write` never waits and never throws; what is written is
 * gathered into batches (500 records, 256 KiB or 20 ms) and sent again with the same ids for as
 * long as there is room. Order is kept among kept records, while the spool has room for them, and
 * among the others.
 */
export class BoundedSender {
  readonly #options: Required<SenderOptions>
  readonly #queue = new SenderQueue()
  readonly #flushes = new SenderFlushes()
  readonly #pace: SenderPace
  readonly #accounts: SenderAccounts
  #order: number
  readonly #onTheWay = new SenderOnTheWay()
  #isRunning = false
  #isEnded = false
  #closing: Promise<void> | null = null

  constructor(options: SenderOptions) {
    this.#options = wholeOptions(options)
    this.#pace = new SenderPace(this.#options)
    const { clock, notice, onDropped, spool } = this.#options
    this.#accounts = new SenderAccounts(clock, notice, onDropped)
    this.#order = (spool?.lastOrder ?? 0) + 1
    this.#accounts.accepted = spool?.count ?? 0
    if (this.#accounts.accepted > 0) this.#start()
  }

  get stats(): SenderStats {
    const { batch: onTheWay, memory } = this.#onTheWay
    return {
      ...this.#accounts.counts,
      spilled: (this.#options.spool?.count ?? 0) - (onTheWay.length - memory.count),
      queued: this.#queue.count,
      onTheWay: onTheWay.length,
      queueBytes: this.#queue.bytes + memory.bytes,
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
    else if (message.keep && spool !== null && this.#isBarred(spool)) this.#spill([waiting])
    else if (this.#isBroken()) this.#accounts.drop(message, 'no-connection')
    else if (!(message.keep && spool?.isFirst && this.#put([waiting]).stored === 1)) {
      this.#queue.push(waiting)
      this.#makeRoom()
    }
    if (this.#isBatchFull()) this.#pace.endGathering()
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
    const flushed = this.#flushes.wait(upTo, timeoutMs, this.#options.clock)
    this.#pace.hurry()
    return flushed
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
    this.#pace.hurry()
    const onTheWay = this.#onTheWay.batch.filter((waiting) => !waiting.isSpooled)
    this.#onTheWay.set([])
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

  /** Only the disk is open to a kept record: what came before it waits there, or nothing is sent. */
  #isBarred(spool: Spool): boolean {
    return this.#isBroken() || (spool.count > 0 && !spool.isFirst)
  }

  /** Connecting is hopeless, and nothing new is tried for a while. */
  #isBroken(): boolean {
    return this.#accounts.state === 'broken' && this.#pace.isPausing
  }

  #makeRoom(): void {
    const { recordsMax, bytesMax, whenFull, spool } = this.#options
    const { count, bytes } = this.#onTheWay.memory
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
    const { stored, reason } = this.#put(records)
    for (const { message } of records.slice(stored)) this.#accounts.drop(message, reason)
  }

  /** @returns how many of them the spool has taken, and why not the rest. */
  #put(records: readonly Waiting[]): { stored: number; reason: DropReason } {
    const { spool } = this.#options
    if (records.length === 0) return { stored: 0, reason: 'spool-full' }
    if (spool === null) return { stored: 0, reason: 'spool-failed' }
    try {
      return { stored: spool.put(records), reason: 'spool-full' }
    } catch (error) {
      this.#accounts.lastError = asNarrowcastError(error, 'DISK_FULL')
      return { stored: 0, reason: 'spool-failed' }
    }
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
        this.#flushes.tell((order) => this.#isSettledUpTo(order))
        if (!isWhole && !this.#isEnded) {
          await this.#pace.pause(this.#accounts.failures, this.#flushes.count > 0)
        }
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
    const { spool } = this.#options
    const oldest = this.#queue.first
    if (!oldest || (spool && spool.count > 0) || this.#flushes.count > 0) return
    if (!this.#isBatchFull()) await this.#pace.gather(oldest.sinceMs)
  }

  /** Sends one batch; false when a part of it has to be sent again. */
  async #send(): Promise<boolean> {
    const waiting = this.#take()
    if (waiting === null) return false
    this.#onTheWay.set(waiting)
    this.#accounts.sent += waiting.length
    const messages = waiting.map(({ message }) => message)
    const outcomes = await sendBatch(messages, this.#options.channelFor)
    // The close has ended meanwhile and has settled the accounts.
    if (this.#isEnded) return true
    this.#onTheWay.set([])
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
    const waiting = `${this.#queue.count + this.#onTheWay.batch.length} in memory, ${onDisk} on disk`
    this.#accounts.failed(error, state, waiting)
  }

  #worked(): void {
    const { reportTo, clock } = this.#options
    const loss = this.#accounts.worked()
    if (loss === null || reportTo === null || this.#closing !== null) return
    this.write(lossRecord(loss, reportTo, clock.wallMs()))
  }

  #isSettledUpTo(order: number): boolean {
    const first = Math.min(
      this.#queue.first?.order ?? Number.POSITIVE_INFINITY,
      this.#onTheWay.batch[0]?.order ?? Number.POSITIVE_INFINITY,
      this.#options.spool?.firstOrder ?? Number.POSITIVE_INFINITY,
    )
    return first > order
  }
}
