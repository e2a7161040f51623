import type { Clock } from '../core/clock.ts'
import type { Contract } from '../core/contract.ts'
import type { Publisher, Session } from '../core/driver.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { PublishOutcome } from '../core/message.ts'
import type { Receipt } from './api.ts'
import { backoffMs } from './backoff.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { channelClosed } from './closedErrors.ts'
import { withDeadline } from './deadline.ts'
import { checkAgainst, type Encoded } from './envelope.ts'
import type { Refusal } from './health.ts'
import type { OpenedChannel } from './openedChannel.ts'
import { OutboxRoom } from './outboxRoom.ts'
import { type Entry, PublishAnswers } from './publishAnswers.ts'
import { untilAborted } from './untilAborted.ts'

const batchMessagesMax = 500
const batchBytesMax = 1_048_576
const resendBackoff = { delayMsMin: 20, delayMsMax: 1_000 }

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
  /** Why there is no session; null while one is open. */
  trouble(): NarrowcastError | null
  /** Why the broker holds back whoever publishes; null: it does not. */
  blocked(): NarrowcastError | null
}

interface Flush {
  /** It waits for what has this deadline, or an earlier one. */
  readonly untilMs: number
  readonly done: () => void
}

/**
 * Gathers what is published in one turn of the event loop into batches. Bounded in messages and
 * bytes. One batch is on its way at a time, so that the order holds when a send fails; the next
 * one fills meanwhile. Only here is anything sent again, under the same id.
 */
export class Outbox {
  readonly #host: OutboxHost
  readonly #room: OutboxRoom
  readonly #answers: PublishAnswers
  readonly #closing = new AbortController()
  /** Messages that were stored. */
  published = 0
  /** Messages whose publisher was told an error. */
  failed = 0
  #closed: NarrowcastError | null = null
  #entries: Entry[] = []
  #running: Promise<void> | null = null
  readonly #flushes = new Set<Flush>()
  /** Why the channel could not be opened when that was last tried. */
  #trouble: NarrowcastError | null = null
  /** The oldest of what the broker refused and is sent again. */
  #refused: Entry | null = null
  /** The oldest of what is on its way. */
  #sent: Entry | null = null

  constructor(host: OutboxHost) {
    this.#host = host
    this.#room = new OutboxRoom(host.plan)
    this.#answers = new PublishAnswers(host.plan, host.driver, host.clock)
  }

  get isFull(): boolean {
    return this.#room.isFull
  }

  /** Why the broker does not take what waits here, and how long that is still tried. */
  get refusal(): Pick<Refusal, 'why' | 'leftMs'> | null {
    const blocked = this.#host.blocked()
    const entry = blocked ? (this.#sent ?? this.#entries[0]) : this.#refused
    const why = blocked ?? this.#refused?.refusal
    if (!entry || !why) return null
    const leftMs = Math.max(0, entry.deadlineMs - this.#host.clock.monotonicMs())
    return { why: why.message, leftMs }
  }

  /** Takes one message, or answers BUSY or CLOSED. `done` is called exactly once. */
  add({ message, bytes }: Encoded, done: Entry['done'], signal?: AbortSignal): void {
    const { plan, clock } = this.#host
    const refusal = this.#closed ?? (this.isFull ? this.#room.busyError() : null)
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
    this.#room.take(bytes)
    if (signal) this.#watch(entry, signal)
    this.#running ??= this.#run()
  }

  /** Resolves when there is room. */
  writable(signal?: AbortSignal): Promise<void> {
    return this.#room.wait(() => this.#closed !== null, signal)
  }

  /** Resolves when all that was added so far has its answer, or the signal fires. */
  async flush(deadline: AbortSignal): Promise<void> {
    if (!this.#running || deadline.aborted) return
    const untilMs = this.#host.clock.monotonicMs() + this.#host.plan.publish.timeoutMs
    await new Promise<void>((resolve) => {
      const done = () => {
        deadline.removeEventListener('abort', done)
        this.#flushes.delete(flush)
        resolve()
      }
      const flush: Flush = { untilMs, done }
      this.#flushes.add(flush)
      deadline.addEventListener('abort', done)
    })
  }

  /** Waits until everything has its answer, or the signal fires; then refuses the rest. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closed ??= channelClosed(this.#name)
    this.#room.wakeAll()
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
      this.#endFlushes()
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
    this.#refused = null
    this.#running = null
  }

  /** While nothing is on its way. Deadlines rise along the queue: the head is the oldest. */
  #endFlushes(): void {
    const headMs = this.#entries[0]?.deadlineMs ?? Number.POSITIVE_INFINITY
    for (const { untilMs, done } of this.#flushes) if (headMs > untilMs) done()
  }

  /** @returns false when something has to be sent again after a pause. */
  async #sendNext(): Promise<boolean> {
    const { clock } = this.#host
    const head = this.#entries[0] as Entry
    const leftMs = head.deadlineMs - clock.monotonicMs()
    const timeout = () => this.#answers.timeout(false, null)
    return withDeadline(clock, leftMs, this.#closing.signal, timeout, async (signal) => {
      let opened: OpenedChannel
      let publisher: Publisher
      try {
        opened = await this.#host.open(signal)
        publisher = await untilAborted(opened.publisher(), signal)
      } catch (error) {
        return this.#couldNotOpen(error, signal)
      }
      this.#trouble = null
      return this.#send(opened, publisher, signal)
    })
  }

  #couldNotOpen(error: unknown, signal: AbortSignal): boolean {
    if (signal.aborted) return true // expired or closed: the loop answers them
    const known = asNarrowcastError(error, 'CONNECT_FAILED')
    this.#trouble = known
    if (known.retryable && this.#host.plan.publish.retry !== false) return false
    this.#refuseAll(known)
    return true
  }

  async #send(opened: OpenedChannel, publisher: Publisher, signal: AbortSignal): Promise<boolean> {
    const batch = this.#take().filter((entry) => this.#isFit(entry, opened.contract))
    if (batch.length === 0) return true
    const atMs = this.#host.clock.monotonicMs()
    for (const entry of batch) entry.leftMs ??= atMs
    this.#sent = batch[0] as Entry
    let outcomes: readonly PublishOutcome[]
    try {
      outcomes = await publisher.publish(
        batch.map((entry) => entry.message),
        signal,
      )
    } catch (error) {
      // Rejects only before anything has left: nobody has lost anything, all are refused.
      const { code, message, hint } = asNarrowcastError(error)
      const isClosed = code === 'CLOSED' && !this.#closing.signal.aborted
      outcomes = batch.map(() => ({
        state: 'refused' as const,
        code: isClosed ? ('CONNECTION_LOST' as const) : code,
        message,
        hint,
      }))
    }
    this.#sent = null
    const isGone = outcomes.some((one) => one.state === 'refused' && one.code === 'NOT_FOUND')
    if (isGone) this.#host.forget(opened.session)
    const isLast = this.#closing.signal.aborted
    const sent = { atMs, isCut: signal.aborted && !isLast, isLast }
    const again = batch.filter((entry, n) => {
      const answer = this.#answers.answer(entry, outcomes[n], sent)
      if (answer !== null) this.#answer(entry, answer)
      return answer === null
    })
    this.#refused = again.find(({ refusal }) => refusal !== null) ?? null
    this.#entries = again.length === 0 ? this.#entries : [...again, ...this.#entries]
    return again.length === 0
  }

  /** What only the contract of this channel can refuse. */
  #isFit(entry: Entry, contract: Contract): boolean {
    try {
      checkAgainst(contract, entry, this.#name, this.#host.driver)
      return true
    } catch (error) {
      this.#answer(entry, asNarrowcastError(error))
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

  /** Deadlines rise along the queue. */
  #expire(): void {
    const now = this.#host.clock.monotonicMs()
    const trouble = this.#host.trouble() ?? this.#trouble
    let count = 0
    for (const entry of this.#entries) {
      if (entry.deadlineMs > now) break
      this.#answer(entry, this.#answers.expired(entry, trouble))
      count++
    }
    if (count > 0) this.#entries = this.#entries.slice(count)
  }

  #refuseAll(error: NarrowcastError): void {
    const entries = this.#entries
    this.#entries = []
    for (const entry of entries) this.#answer(entry, this.#answers.refused(entry, error))
  }

  #answer(entry: Entry, answer: Receipt | NarrowcastError): void {
    this.#room.give(entry.bytes)
    if (answer instanceof NarrowcastError) this.failed++
    else this.published++
    if (!entry.isGone) entry.done(answer)
    entry.isGone = true
  }

  /** The caller stops waiting: what has not left is taken out, the rest travels unwatched. */
  #watch(entry: Entry, signal: AbortSignal): void {
    const abort = () => {
      if (entry.isGone) return
      entry.isGone = true
      entry.done(this.#answers.aborted(entry, signal))
      const at = this.#entries.indexOf(entry)
      if (at < 0) return
      this.#entries.splice(at, 1)
      this.#room.give(entry.bytes)
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
}
