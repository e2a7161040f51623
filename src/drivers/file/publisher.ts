import type { ChannelSpec } from '../../core/channel.ts'
import type { Publisher } from '../../core/driver.ts'
import { asNarrowcastError, type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import type { ChannelRow } from './channels.ts'
import { contracts } from './contract.ts'
import { Numbers } from './numbers.ts'
import type { Store } from './store.ts'
import { type Accepted, storeMessages } from './storeMessages.ts'
import { messageFault, storing } from './storing.ts'

const delayMsMax = contracts.queue.delay.msMax

/** Messages stored in one transaction. */
const batchMax = 1_000
/** When retention could remove nothing, because a group lags, it is not tried again at once. */
const trimPauseMs = 250

/** Stores batches, each in one transaction. */
export class FilePublisher implements Publisher {
  readonly #store: Store
  readonly #spec: ChannelSpec
  readonly #channel: ChannelRow
  readonly #numbers: Numbers
  #isClosed = false
  #trimFromMs = Number.NEGATIVE_INFINITY

  constructor(store: Store, spec: ChannelSpec, channel: ChannelRow) {
    this.#store = store
    this.#spec = spec
    this.#channel = channel
    this.#numbers = new Numbers(store.db, store.writer, store.syncer, channel.no)
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#checkOpen()
    const outcomes = new Array<PublishOutcome>(batch.length)
    const accepted: Accepted[] = []
    batch.forEach((message, at) => {
      const fault = this.#fault(message)
      if (fault) outcomes[at] = fault
      else accepted.push({ message, at })
    })
    if (accepted.length === 0) return outcomes
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
      const stored = await this.#storeBatch(some, signal)
      for (const [at, outcome] of stored) outcomes[at] = outcome
    } catch (cause) {
      const { code, message, hint, definite } = asNarrowcastError(cause)
      const state = definite ? 'refused' : 'unknown'
      const outcome: PublishOutcome = { state, code, message, hint }
      for (const { at } of some) outcomes[at] = outcome
    }
  }

  async #storeBatch(
    some: readonly Accepted[],
    signal: AbortSignal,
  ): Promise<readonly [number, PublishOutcome][]> {
    const { db, time, bells } = this.#store
    const messages = some.map(({ message }) => message)
    const work = () => {
      const nowMs = time.nowMs()
      return storeMessages(db, this.#channel, some, nowMs, nowMs >= this.#trimFromMs)
    }
    for (;;) {
      const stored = await storing(this.#store, messages, work, { signal })
      if (stored === 'no-numbers') {
        await this.#numbers.reserve(some.length)
        continue
      }
      bells.ring(stored.bells)
      if (stored.trimmed === 0) this.#trimFromMs = time.nowMs() + trimPauseMs
      // Ahead of need; when it fails the next publish that finds no numbers meets the error itself.
      if (stored.isLow) this.#numbers.reserve().catch(() => undefined)
      return stored.outcomes
    }
  }

  #checkOpen(): void {
    this.#store.checkOpen('publish')
    if (!this.#isClosed) return
    throw new NarrowcastError('CLOSED', `file: publish: this publisher was closed`, {
      driver: 'file',
      channel: this.#channel.name,
      operation: 'publish',
    })
  }

  #fault(message: OutgoingMessage): PublishOutcome | null {
    const { id, delayMs } = message
    const fault = messageFault(message, this.#spec.payloadBytesMax)
    if (fault) return this.#refused(fault.code, fault.text)
    if (delayMs >= 0 && delayMs <= delayMsMax) return null
    return this.#refused(
      'INVALID_ARGUMENT',
      `message ${id} has a delay of ${delayMs} ms, expected 0 to ${delayMsMax}`,
    )
  }

  #refused(code: ErrorCode, text: string): PublishOutcome {
    return { state: 'refused', code, message: `file: publish to "${this.#channel.name}": ${text}` }
  }
}
