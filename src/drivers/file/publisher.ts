import type { ChannelSpec } from '../../core/channel.ts'
import type { Publisher } from '../../core/driver.ts'
import { asNarrowcastError, type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import type { ChannelRow } from './channels.ts'
import { contracts, payloadBytesMax } from './contract.ts'
import { Numbers } from './numbers.ts'
import { pause } from './pause.ts'
import { emptyLog } from './reserve.ts'
import type { Store } from './store.ts'
import { type Accepted, storeMessages } from './storeMessages.ts'

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
    const { db, writer, time, bells, pace, room } = this.#store
    const bytes = () => some.reduce((sum, { message: { body } }) => sum + bytesOf(body), 0)
    const work = () => {
      room.checkPublish(bytes)
      const nowMs = time.nowMs()
      return storeMessages(db, this.#channel, some, nowMs, nowMs >= this.#trimFromMs)
    }
    for (let isCopied = false; ; ) {
      const waitMs = pace.waitMs()
      if (waitMs > 0) await pause(waitMs)
      const stored = await writer
        .run('publish', work, { signal, isStoring: true })
        .catch(async (error: NarrowcastError) => {
          // Pages that settling has freed count from the moment that the log is copied.
          if (isCopied || error.code !== 'DISK_FULL' || !(await emptyLog(db))) throw error
          isCopied = true
          return 'again' as const
        })
      if (stored === 'again') continue
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

  #fault({ id, body, delayMs, timeMs }: OutgoingMessage): PublishOutcome | null {
    const bytesMax = Math.min(this.#spec.payloadBytesMax, payloadBytesMax)
    const bytes = sizeOf(body, bytesMax)
    if (bytes > bytesMax) {
      return this.#refused(
        'PAYLOAD_TOO_LARGE',
        `message ${id} has ${bytes} bytes, at most ${bytesMax} are taken`,
      )
    }
    if (!(delayMs >= 0 && delayMs <= delayMsMax)) {
      return this.#refused(
        'INVALID_ARGUMENT',
        `message ${id} has a delay of ${delayMs} ms, expected 0 to ${delayMsMax}`,
      )
    }
    if (!Number.isSafeInteger(timeMs)) {
      return this.#refused(
        'INVALID_ARGUMENT',
        `message ${id} has the time ${timeMs}, expected whole milliseconds`,
      )
    }
    return null
  }

  #refused(code: ErrorCode, text: string): PublishOutcome {
    return { state: 'refused', code, message: `file: publish to "${this.#channel.name}": ${text}` }
  }
}

function bytesOf(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}

/** Counts the bytes of a text only where it may matter: one character has at most three. */
function sizeOf(body: string | Uint8Array, bytesMax: number): number {
  if (typeof body !== 'string') return body.byteLength
  return body.length * 3 <= bytesMax ? body.length : Buffer.byteLength(body)
}
