import type { ChannelSpec } from '../../../core/channel.ts'
import type { Publisher } from '../../../core/driver.ts'
import { asNarrowcastError } from '../../../core/errors.ts'
import { randomName } from '../../../core/ids.ts'
import type { OutgoingMessage, PublishOutcome } from '../../../core/message.ts'
import { inTime } from '../inTime.ts'
import { batchMax, failed, faultOf, leftNothing } from '../outgoing.ts'
import { OwnWriter } from '../ownWriter.ts'
import { redisError } from '../redisErrors.ts'
import { publishScript } from './publishScript.ts'
import type { Queue } from './queue.ts'

export interface PublisherOptions {
  readonly queue: Queue
  readonly spec: ChannelSpec
  /** Of the channel as it was made. */
  readonly dedupeWindowMs: number | null
  readonly checkOpen: (operation: string) => void
}

interface Accepted {
  readonly message: OutgoingMessage
  readonly at: number
}

/** Stores batches, each by one command. */
export class ListPublisher implements Publisher {
  readonly #queue: Queue
  readonly #spec: ChannelSpec
  readonly #dedupeWindowMs: number | null
  readonly #checkOpen: (operation: string) => void
  readonly #name = `+${randomName()}`
  readonly #writer = new OwnWriter()
  #delayed = 0
  #isClosed = false
  /** The list held others when it was looked at last: nobody waits for these. */
  #isBusy = false

  constructor({ queue, spec, dedupeWindowMs, checkOpen }: PublisherOptions) {
    this.#queue = queue
    this.#spec = spec
    this.#dedupeWindowMs = dedupeWindowMs
    this.#checkOpen = checkOpen
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#checkOpen('publish')
    if (this.#isClosed) throw this.#error('CLOSED', 'this publisher was closed')
    const outcomes = new Array<PublishOutcome>(batch.length)
    const accepted: Accepted[] = []
    batch.forEach((message, at) => {
      const fault = faultOf(this.#spec, message)
      if (fault === null) accepted.push({ message, at })
      else outcomes[at] = failed('refused', fault)
    })
    for (let from = 0; from < accepted.length; from += batchMax) {
      await this.#storeSome(accepted.slice(from, from + batchMax), outcomes, signal)
    }
    return outcomes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
  }

  async #storeSome(
    some: readonly Accepted[],
    outcomes: PublishOutcome[],
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const store = () => this.#store(some.map(({ message }) => message))
      const duplicates = await inTime(this.#queue.home, 'publish', signal, store)
      some.forEach(({ at }, n) => {
        outcomes[at] = { state: 'stored', duplicate: duplicates?.[n] === 1 }
      })
    } catch (cause) {
      const error = asNarrowcastError(cause)
      const outcome = failed(leftNothing(error) ? 'refused' : 'unknown', error)
      for (const { at } of some) outcomes[at] = outcome
    }
  }

  /** What of it were duplicates; null: nothing. */
  async #store(messages: readonly OutgoingMessage[]): Promise<number[] | null> {
    const { layout, home, announce } = this.#queue
    const elements = messages.map((message) => this.#elementOf(message))
    const isPlain = messages.every((one) => one.delayMs === 0 && this.#markOf(one) === null)
    if (isPlain && this.#isBusy) {
      const [length, wasIdle] = await Promise.all([
        home.send<number>(['LPUSH', layout.orders, ...elements], 'publish'),
        // What is stored stays stored, whatever becomes of the wake-up.
        home.send<number>(['HDEL', layout.flags, 'idle'], 'publish').catch(() => 0),
      ])
      this.#isBusy = length > elements.length
      if (wasIdle === 1) await home.send([announce, layout.wake, ''], 'publish').catch(() => {})
      return null
    }
    const keys: string[] = [layout.orders, layout.delayed, layout.flags]
    const args: (string | Buffer)[] = [announce, String(this.#dedupeWindowMs ?? 0)]
    messages.forEach((message, at) => {
      const mark = this.#markOf(message)
      if (mark !== null) keys.push(mark)
      const tag = message.delayMs > 0 ? this.#nextTag() : ''
      const number = mark === null ? '0' : String(keys.length)
      args.push(elements[at] as string | Buffer, String(message.delayMs), number, tag)
    })
    const reply = await home.run<number[]>(publishScript, keys, args, 'publish')
    this.#isBusy = reply.pop() === 1
    return reply
  }

  /** What is due at one moment comes out in the order of its texts. */
  #nextTag(): string {
    return `${this.#name}-${String(++this.#delayed).padStart(16, '0')}`
  }

  /** Without an envelope the body alone. */
  #elementOf(message: OutgoingMessage): string | Buffer {
    const { body } = message
    if (this.#spec.envelope) return this.#writer.writeKept(message)
    return typeof body === 'string' ? body : Buffer.from(body)
  }

  #markOf({ dedupeId }: OutgoingMessage): string | null {
    if (dedupeId === null || this.#dedupeWindowMs === null) return null
    return this.#queue.layout.dedupe(dedupeId)
  }

  #error(code: 'CLOSED', text: string) {
    const { name } = this.#spec
    return redisError(code, 'publish', `to "${name}": ${text}`, { channel: name })
  }
}
