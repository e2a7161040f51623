import type { Room } from '../../../core/driver.ts'
import { NarrowcastError } from '../../../core/errors.ts'
import { untilAborted } from '../../_shared/untilAborted.ts'
import type { AmqpChannel, AmqpMessage } from '../client.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { bytesOf, Waiting } from './waiting.ts'

export interface IntakeOptions {
  readonly channel: AmqpChannel
  readonly queue: string
  /** The most that may be unsettled, unless work is fast. */
  readonly holdMax: number
  /** And while it is. */
  readonly aheadMax: number
  readonly bytesMax: number
  /** Of what this consumer was handed: taken, and not settled yet. */
  readonly inHand: (consumerTag: string) => number
  /** What nobody has begun after so long is given back. */
  readonly waitMsMax: number
  /** Something has come. */
  readonly came: () => void
  readonly cancelled: () => void
  /** The broker does not answer whether anything will come. */
  readonly silent: (error: unknown) => void
  /** They waited for too long, and nothing more comes before `ask`. */
  readonly giveBack: (messages: readonly AmqpMessage[]) => void
}

/** 16 bits of AMQP. */
const prefetchMax = 65_535
const answerMsMax = 10_000
/** Work for so long may wait here: some journeys to a quorum and back. */
const aheadMs = 25
/** What is on its way has come by then, as far as can be waited for, or the queue is empty. */
const filledMsMax = 50

/**
 * What the broker hands over before there is room for it. Ahead of need it comes fast, the more so the
 * faster it is worked off; behind a slow handler it would be kept from workers that are idle. So what
 * has waited for long goes back, and from then on no more is asked for than there is room, until a
 * full hold is worked off in time again.
 */
export class Intake {
  readonly #of: IntakeOptions
  readonly #waiting: Waiting
  #tag: string | null = null
  /** Since when no more is asked for than there is room; null: ahead of need. */
  #narrowMs: number | null = null
  #taken = 0
  /** The most that the present consumer is handed, and how fast that was worked off. */
  #prefetch = 0
  #pace = { taken: 0, bytes: 0, sinceMs: 0 }
  /** What is asked of the broker, one after the other. */
  #asking: Promise<unknown> = Promise.resolve()
  #isPaused = false
  #isOver = false
  /** Of what the broker may send before it stops for want of acknowledgements. */
  #missing = 0
  #filled = () => {}
  /** Acknowledgements wait for it: each lets the broker send one more. */
  leaving: Promise<void> | null = null

  constructor(options: IntakeOptions) {
    this.#of = options
    this.#waiting = new Waiting(options.waitMsMax, () => this.#narrow())
  }

  get isEmpty(): boolean {
    return this.#waiting.count === 0
  }

  /** Resolves when the broker has confirmed the subscription; paused, it is asked for later. */
  async open(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.#isPaused) await this.#consume(this.#of.holdMax)
    })
  }

  /** There is room, and nothing waits. Does nothing where the broker hands over by itself. */
  async ask(room: Room): Promise<void> {
    if (this.#narrowMs === null || this.#isPaused) return
    await this.#tried(async () => {
      if (this.#tag !== null || !this.isEmpty || this.#isOver || this.#isPaused) return
      const count = this.#isFastAgain() ? this.#of.holdMax : room.messages
      await this.#consume(count).catch(this.#of.silent)
    })
  }

  take(room: Room): AmqpMessage[] {
    const taken = this.#waiting.take(room)
    this.#taken += taken.length
    // Before it is acknowledged: what the broker sends to a reader that leaves is counted as in vain.
    if (this.#narrowMs !== null) void this.#tried(() => this.#cancelAfter(taken))
    else this.#widen(taken)
    return taken
  }

  takeAll(): AmqpMessage[] {
    return this.#waiting.takeAll()
  }

  /** What waits goes back, and nothing more comes before `resume` and then `ask`. */
  async pause(): Promise<void> {
    this.#isPaused = true
    this.#narrowMs = performance.now() // who asks before that is done has its turn behind it
    await this.#tried(() => this.#giveBack())
  }

  resume(): void {
    this.#isPaused = false
  }

  /** Nothing more comes once it has resolved. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#tried(() => this.#cancel())
  }

  /** The channel has ended: what waited is not ours any more. */
  lose(): void {
    this.#isOver = true
    this.#tag = null
    this.#filled()
    this.takeAll()
  }

  async #inTurn(ask: () => Promise<void>): Promise<void> {
    const asked = this.#asking.then(ask)
    this.#asking = asked.catch(() => {})
    await asked
  }

  /** Where it cannot be done the channel has ended meanwhile, and says so itself. */
  async #tried(ask: () => Promise<void>): Promise<void> {
    await this.#inTurn(ask).catch((error: unknown) => {
      if (error instanceof NarrowcastError) this.#of.silent(error)
    })
  }

  async #consume(count: number): Promise<void> {
    const { channel } = this.#of
    this.#prefetch = Math.min(prefetchMax, count)
    this.#pace = { taken: 0, bytes: 0, sinceMs: performance.now() }
    await this.#answered(channel.prefetch(this.#prefetch))
    // Right after a crash RabbitMQ 3.10 may never answer this one, and go on with all else.
    const { consumerTag } = await this.#answered(this.#subscribe())
    this.#tag = consumerTag
  }

  #answered<T>(asked: Promise<T>): Promise<T> {
    const late = AbortSignal.timeout(answerMsMax)
    return untilAborted(asked, late, () => unanswered(this.#of.queue))
  }

  #subscribe(): Promise<{ consumerTag: string }> {
    const { channel, queue, came, cancelled, bytesMax, holdMax } = this.#of
    return channel.consume(queue, (message) => {
      if (message === null) return cancelled()
      this.#waiting.add(message)
      if (--this.#missing === 0) this.#filled()
      // The first were smaller: what is ahead was reckoned with those.
      if (this.#waiting.bytes > bytesMax && this.#waiting.count > holdMax) this.#narrow()
      came()
    })
  }

  async #cancel(): Promise<void> {
    const tag = this.#tag
    this.#tag = null
    if (tag !== null) await this.#answered(this.#of.channel.cancel(tag))
  }

  /** Unless there is another consumer by now. */
  async #cancelAfter(taken: readonly AmqpMessage[]): Promise<void> {
    if (taken.some(({ fields }) => fields.consumerTag === this.#tag)) await this.#cancel()
  }

  /** What the broker sends to a reader that leaves counts as in vain: it sends all that it may before. */
  async #leave(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.leaving = promise
    this.#filled = resolve
    this.#missing = this.#tag === null ? 0 : this.#prefetch - this.#countOf(this.#tag)
    if (this.#missing <= 0) resolve()
    const late = setTimeout(resolve, filledMsMax)
    await promise // before those that wait to acknowledge, who come behind the `cancel` now
    clearTimeout(late)
    this.leaving = null
    await this.#cancel()
  }

  /** Of one consumer: taken or not, and not settled. */
  #countOf(tag: string): number {
    return this.#of.inHand(tag) + this.#waiting.countOf(tag)
  }

  /** Asks for more than is in hand where that is worked off faster than more of it comes. */
  #widen(taken: readonly AmqpMessage[]): void {
    const { holdMax, aheadMax, bytesMax, silent } = this.#of
    const [before, tag, pace] = [this.#prefetch, this.#tag, this.#pace]
    pace.bytes += bytesOf(taken)
    pace.taken += taken.length
    const isToGrow = pace.taken >= before && aheadMax - before >= 2 * before
    if (!isToGrow || tag === null) return
    // Where the broker might send more it would count as in vain: see `take`.
    const ofThis = taken.filter(({ fields }) => fields.consumerTag === tag)
    if (this.#countOf(tag) + ofThis.length < before) return
    const perMs = pace.taken / (performance.now() - pace.sinceMs)
    const fitting = Math.floor((bytesMax * pace.taken) / pace.bytes)
    const wanted = Math.min(aheadMax, fitting, holdMax + Math.round(perMs * aheadMs))
    this.#pace = { taken: 0, bytes: 0, sinceMs: performance.now() }
    // Those that this consumer was handed do not count for the next.
    const next = Math.min(prefetchMax, wanted - before)
    if (next < 2 * before) return
    void this.#tried(async () => {
      if (this.#tag !== tag || this.#countOf(tag) < before) return // some of it was acknowledged
      await this.#cancel()
      const isAhead = this.#narrowMs === null && !this.#isOver
      if (isAhead) await this.#consume(next).catch(silent)
    })
  }

  #narrow(): void {
    void this.#tried(async () => {
      if (!this.isEmpty) await this.#giveBack()
    })
  }

  async #giveBack(): Promise<void> {
    if (this.#isOver) return
    this.#narrowMs = performance.now()
    this.#taken = 0
    await this.#leave()
    const messages = this.takeAll()
    if (messages.length > 0) this.#of.giveBack(messages)
  }

  /** What is ahead of need would be worked off well before it is given back. */
  #isFastAgain(): boolean {
    if (this.#taken < this.#of.holdMax) return false
    const nowMs = performance.now()
    const isFast = nowMs - (this.#narrowMs ?? 0) < this.#of.waitMsMax / 2
    this.#narrowMs = isFast ? null : nowMs
    this.#taken = 0
    return isFast
  }
}

function unanswered(queue: string) {
  const text = `the broker has not answered within ${answerMsMax} ms who reads "${queue}"`
  return rabbitmqError('UNAVAILABLE', 'source', text)
}
