import type { Clock } from '../core/clock.ts'
import type { Contract } from '../core/contract.ts'
import type { Publisher, Session } from '../core/driver.ts'
import { asNarrowcastError, errorCodes, NarrowcastError } from '../core/errors.ts'
import type { PublishOutcome } from '../core/message.ts'
import type { Receipt } from './api.ts'
import { backoffMs } from './backoff.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { withDeadline } from './deadline.ts'
import { checkAgainst, type Encoded } from './envelope.ts'
import type { OpenedChannel } from './openedChannel.ts'
import { abortedError } from './thrown.ts'
import { untilAborted } from './untilAborted.ts'

const batchMessagesMax = 500
const batchBytesMax = 1_048_576
const resendBackoff = { delayMsMin: 20, delayMsMax: 1_000 }

/** One message and who waits for it. */
interface Entry extends Encoded {
  readonly deadlineMs: number
  done: (answer: Receipt | NarrowcastError) => void
  /** When it first left and may have been stored; null: it certainly is not. */
  leftMs: number | null
  /** Why the broker last refused it. */
  refusal: { code: NarrowcastError['code']; message: string } | null
  isGone: boolean
}

/** What the outbox needs of its channel. */
export interface OutboxHost {
  readonly plan: ChannelPlan
  readonly driver: string
  readonly clock: Clock
  readonly random: () => number
  /** The channel on the present session; waits while it is being opened again. */
  open(signal: AbortSignal): Promise<OpenedChannel>
  /** The channel is gone from the broker: the next opening declares it again. */
  forget(session: Session): void
}

/**
 * Gathers what is published in one turn of the event loop into batches. Bounded in messages and
 * bytes. One batch is on its way at a time, so that the order holds when a send fails; the next
 * one fills meanwhile. Only here is anything sent again, under the same id.
 */
export class Outbox {
  readonly #host: OutboxHost
  readonly #closing = new AbortController()
  #closed: NarrowcastError | null = null
  #entries: Entry[] = []
  #onWay: Entry[] = []
  #bytes = 0
  #running: Promise<void> | null = null
  readonly #waiters = new Set<(value: unknown) => void>()

  constructor(host: OutboxHost) {
    this.#host = host
  }

  get isFull(): boolean {
    const { messagesMax, bytesMax } = this.#host.plan.outbox
    return this.#count >= messagesMax || this.#bytes >= bytesMax
  }

  get #count(): number {
    return this.#entries.length + this.#onWay.length
  }

  /** Takes one message, or answers BUSY or CLOSED. `done` is called exactly once. */
  add({ message, bytes }: Encoded, done: Entry['done'], signal?: AbortSignal): void {
    const { plan, clock } = this.#host
    const refusal = this.#closed ?? (this.isFull ? this.#busy() : null)
    if (refusal) {
      done(refusal)
      return
    }
    const entry: Entry = {
      message,
      bytes,
      deadlineMs: clock.monotonicMs() + plan.publish.timeoutMs,
      done,
      leftMs: null,
      refusal: null,
      isGone: false,
    }
    this.#entries.push(entry)
    this.#bytes += bytes
    if (signal) this.#watch(entry, signal)
    this.#running ??= this.#run()
  }

  /** Resolves when there is room. */
  async writable(signal?: AbortSignal): Promise<void> {
    while (this.isFull && !this.#closed && !signal?.aborted) {
      const room = Promise.withResolvers<unknown>()
      this.#waiters.add(room.resolve)
      signal?.addEventListener('abort', room.resolve)
      await room.promise
      this.#waiters.delete(room.resolve)
      signal?.removeEventListener('abort', room.resolve)
    }
    if (signal?.aborted) throw abortedError(`waiting for room on "${this.#name}"`, signal)
  }

  /** Waits until everything has its answer, or the signal fires; then refuses the rest. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closed ??= new NarrowcastError('CLOSED', `channel "${this.#name}" was closed`, {
      channel: this.#name,
    })
    this.#wakeAll()
    const stop = () => this.#closing.abort(this.#closed)
    if (deadline.aborted || !this.#running) stop()
    else deadline.addEventListener('abort', stop)
    await this.#running
    stop()
    deadline.removeEventListener('abort', stop)
  }

  get #name(): string {
    return this.#host.plan.spec.name
  }

  async #run(): Promise<void> {
    let failures = 0
    while (true) {
      await new Promise(setImmediate) // the rest of this turn travels along
      if (this.#entries.length === 0) break
      if (this.#closing.signal.aborted) {
        this.#refuseAll(this.#closing.signal.reason as NarrowcastError)
        break
      }
      const isSent = await this.#sendNext()
      failures = isSent ? 0 : failures + 1
      if (!isSent) {
        const pauseMs = backoffMs(failures, resendBackoff, this.#host.random)
        await this.#host.clock.sleep(pauseMs, this.#closing.signal)
      }
      this.#expire()
    }
    this.#running = null
  }

  /** @returns false when something has to be sent again after a pause. */
  async #sendNext(): Promise<boolean> {
    const { clock } = this.#host
    const head = this.#entries[0] as Entry
    const leftMs = head.deadlineMs - clock.monotonicMs()
    const timeout = () => this.#timeout(false)
    return withDeadline(clock, leftMs, this.#closing.signal, timeout, async (signal) => {
      let opened: OpenedChannel
      let publisher: Publisher
      try {
        opened = await this.#host.open(signal)
        publisher = await untilAborted(opened.publisher(), signal)
      } catch (error) {
        return this.#couldNotOpen(error, signal)
      }
      return this.#send(opened, publisher, signal)
    })
  }

  #couldNotOpen(error: unknown, signal: AbortSignal): boolean {
    if (signal.aborted) return true // expired or closed: the loop answers them
    const known = asNarrowcastError(error, 'CONNECT_FAILED')
    if (known.retryable && this.#host.plan.publish.retry !== false) return false
    this.#refuseAll(known)
    return true
  }

  async #send(opened: OpenedChannel, publisher: Publisher, signal: AbortSignal): Promise<boolean> {
    const batch = this.#take().filter((entry) => this.#isFit(entry, opened.contract))
    if (batch.length === 0) return true
    this.#onWay = batch
    const sentMs = this.#host.clock.monotonicMs()
    for (const entry of batch) entry.leftMs ??= sentMs
    let outcomes: readonly PublishOutcome[]
    try {
      outcomes = await publisher.publish(
        batch.map((entry) => entry.message),
        signal,
      )
    } catch (error) {
      // Rejects only before anything has left: nobody has lost anything, all are refused.
      const { code, message } = asNarrowcastError(error)
      const isClosed = code === 'CLOSED' && !this.#closing.signal.aborted
      outcomes = batch.map(() => ({
        state: 'refused' as const,
        code: isClosed ? ('CONNECTION_LOST' as const) : code,
        message,
      }))
    }
    this.#onWay = []
    const isGone = outcomes.some((one) => one.state === 'refused' && one.code === 'NOT_FOUND')
    if (isGone) this.#host.forget(opened.session)
    const isCut = signal.aborted && !this.#closing.signal.aborted
    const again = batch.filter((entry, n) => !this.#settle(entry, outcomes[n], sentMs, isCut))
    this.#entries = again.length === 0 ? this.#entries : [...again, ...this.#entries]
    this.#wake()
    return again.length === 0
  }

  /** What only the contract of this channel can refuse. */
  #isFit(entry: Entry, contract: Contract): boolean {
    try {
      checkAgainst(contract, entry, this.#name, this.#host.driver)
      return true
    } catch (error) {
      this.#answer(entry, asNarrowcastError(error))
      this.#wake()
      return false
    }
  }

  #take(): Entry[] {
    let bytes = 0
    let count = 0
    for (const entry of this.#entries) {
      if (count >= batchMessagesMax || (count > 0 && bytes + entry.bytes > batchBytesMax)) break
      bytes += entry.bytes
      count++
    }
    const batch = this.#entries.slice(0, count)
    this.#entries = count === this.#entries.length ? [] : this.#entries.slice(count)
    return batch
  }

  /** @returns false when the message must be sent again. */
  #settle(
    entry: Entry,
    outcome: PublishOutcome | undefined,
    sentMs: number,
    isCut: boolean,
  ): boolean {
    if (outcome?.state === 'stored') {
      const { id } = entry.message
      const { duplicate, position } = outcome
      this.#answer(entry, position === undefined ? { id, duplicate } : { id, duplicate, position })
      return true
    }
    const failed = outcome ?? {
      state: 'unknown' as const,
      code: 'INTERNAL' as const,
      message: `${this.#host.driver} gave no outcome for this message`,
    }
    // Refused at its first send it is certainly not stored; an earlier send may still have been.
    if (failed.state === 'refused' && entry.leftMs === sentMs) entry.leftMs = null
    if (failed.state === 'refused') entry.refusal = failed
    if (!entry.isGone && this.#maySendAgain(failed, entry.leftMs, isCut)) return false
    this.#answer(entry, this.#failure(failed.code, failed.message, entry.leftMs === null))
    return true
  }

  /** `isCut`: our own deadline ended the call; what was refused for it may still have time left. */
  #maySendAgain(
    failed: PublishOutcome & { state: 'refused' | 'unknown' },
    leftMs: number | null,
    isCut: boolean,
  ): boolean {
    const { retry } = this.#host.plan.publish
    if (retry === false || this.#closing.signal.aborted) return false
    if (failed.state === 'refused') {
      // A channel that was removed is declared again before the next send.
      return isCut || failed.code === 'NOT_FOUND' || errorCodes[failed.code].retryable
    }
    if (retry === 'always') return true
    const windowMs = this.#host.plan.spec.dedupeWindowMs
    return windowMs !== null && this.#host.clock.monotonicMs() - (leftMs ?? 0) < windowMs
  }

  #failure(code: NarrowcastError['code'], why: string, definite: boolean): NarrowcastError {
    const end = definite
      ? 'it was not stored'
      : 'it may have been stored, publish again only with the same id'
    return new NarrowcastError(
      code,
      `${this.#host.driver}: publish to "${this.#name}": ${why}; ${end}`,
      { definite, driver: this.#host.driver, channel: this.#name, operation: 'publish' },
    )
  }

  #timeout(definite: boolean): NarrowcastError {
    const { timeoutMs } = this.#host.plan.publish
    return this.#failure('TIMEOUT', `no answer in ${timeoutMs} ms`, definite)
  }

  /** A broker that kept refusing is named with its reason; silence is a timeout. */
  #expired({ refusal, leftMs }: Entry): NarrowcastError {
    if (!refusal) return this.#timeout(leftMs === null)
    const { timeoutMs } = this.#host.plan.publish
    const why = `${refusal.message} (for ${timeoutMs} ms)`
    return this.#failure(refusal.code, why, leftMs === null)
  }

  /** Deadlines rise along the queue. */
  #expire(): void {
    const now = this.#host.clock.monotonicMs()
    let count = 0
    for (const entry of this.#entries) {
      if (entry.deadlineMs > now) break
      this.#answer(entry, this.#expired(entry))
      count++
    }
    if (count === 0) return
    this.#entries = this.#entries.slice(count)
    this.#wake()
  }

  #refuseAll(error: NarrowcastError): void {
    const entries = this.#entries
    this.#entries = []
    for (const entry of entries) {
      this.#answer(
        entry,
        entry.leftMs === null ? error : this.#failure(error.code, error.message, false),
      )
    }
    this.#wake()
  }

  #answer(entry: Entry, answer: Receipt | NarrowcastError): void {
    this.#bytes -= entry.bytes
    if (!entry.isGone) entry.done(answer)
    entry.isGone = true
  }

  /** The caller stops waiting: what has not left is taken out, the rest travels unwatched. */
  #watch(entry: Entry, signal: AbortSignal): void {
    const abort = () => {
      if (entry.isGone) return
      const at = this.#entries.indexOf(entry)
      const isOut = at >= 0 && entry.leftMs === null
      if (at >= 0) {
        this.#entries.splice(at, 1)
        this.#bytes -= entry.bytes
      }
      entry.isGone = true
      const why = `publish to "${this.#name}" was aborted`
      entry.done(new NarrowcastError('ABORTED', why, { definite: isOut, cause: signal.reason }))
      this.#wake()
    }
    if (signal.aborted) {
      abort()
      return
    }
    signal.addEventListener('abort', abort)
    const { done } = entry
    entry.done = (answer) => {
      signal.removeEventListener('abort', abort)
      done(answer)
    }
  }

  #wake(): void {
    if (!this.isFull) this.#wakeAll()
  }

  #wakeAll(): void {
    for (const resume of this.#waiters) resume(undefined)
  }

  #busy(): NarrowcastError {
    const { messagesMax, bytesMax } = this.#host.plan.outbox
    return new NarrowcastError(
      'BUSY',
      `publish to "${this.#name}": the outbox is full (${this.#count} of ${messagesMax} messages, ${this.#bytes} of ${bytesMax} bytes)`,
      {
        channel: this.#name,
        operation: 'publish',
        hint: 'await channel.writable() before the next publish, or use publishMany.',
      },
    )
  }
}
