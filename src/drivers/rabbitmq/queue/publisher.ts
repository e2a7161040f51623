import type { ChannelSpec } from '../../../core/channel.ts'
import type { Publisher } from '../../../core/driver.ts'
import { asNarrowcastError, type ErrorCode, type NarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../../core/message.ts'
import {
  type Addressed,
  type Confirmation,
  type Confirming,
  toQueue,
  toStream,
} from '../confirming.ts'
import { delayMsMax, payloadBytesMax } from '../contract.ts'
import type { Declarations } from '../declarations.ts'
import { headerBytes } from '../headerBytes.ts'
import { headerNameFault } from '../headersFault.ts'
import { delayName, type Home, homeOf } from '../layout.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { frameOf } from '../wire.ts'

export interface QueuePublisherOptions {
  readonly spec: ChannelSpec
  readonly confirming: Confirming
  readonly declarations: Declarations
  readonly checkOpen: (operation: string) => void
  /** Why the broker holds publishers back; null: it does not. */
  readonly blocked: () => NarrowcastError | null
}

/** Of the 64 KiB that the client writes; the rest is for what a copy adds: why it failed, why it died. */
const headerBytesMax = 32 * 1_024

/** Stores each message in the queue, or in those of all groups of a stream, and says so when the broker and a queue have confirmed it. */
export class QueuePublisher implements Publisher {
  readonly #of: QueuePublisherOptions
  #isClosed = false

  constructor(options: QueuePublisherOptions) {
    this.#of = options
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    this.#of.checkOpen('publish')
    if (this.#isClosed) throw this.#error('CLOSED', 'this publisher was closed')
    const faults = batch.map((message) => this.#faultOf(message))
    const sound = batch.filter((_, at) => faults[at] === null)
    const outcomes = await this.#store(sound, signal)
    let next = 0
    return faults.map((fault) =>
      fault === null ? (outcomes[next++] as PublishOutcome) : failed('refused', fault),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#of.confirming.close()
  }

  async #store(
    messages: readonly OutgoingMessage[],
    signal: AbortSignal,
  ): Promise<PublishOutcome[]> {
    if (messages.length === 0) return []
    let confirmations: Confirmation[]
    try {
      const home = homeOf(this.#of.spec.name, null)
      for (const { delayMs } of messages)
        if (delayMs > 0) await this.#of.declarations.delay(home, delayMs)
      const addressed = messages.map((message) => this.#addressed(message, home))
      confirmations = await this.#of.confirming.send(addressed, signal)
    } catch (cause) {
      // Nothing of it has left: what is sent gets its confirmation, be it that it is lost.
      const error = asNarrowcastError(cause)
      return messages.map(() => failed('refused', error))
    }
    return messages.map((message, at) => this.#outcome(message, confirmations[at] as Confirmation))
  }

  #addressed(message: OutgoingMessage, { queue }: Home): Addressed {
    const { spec } = this.#of
    const { delayMs } = message
    const frame = frameOf(message, { isPlain: !spec.envelope })
    if (spec.pattern === 'stream') return { ...frame, ...toStream(spec.name, message), delayMs: 0 }
    return { ...frame, ...toQueue(delayMs > 0 ? delayName(queue, delayMs) : queue), delayMs }
  }

  #outcome({ id }: OutgoingMessage, confirmation: Confirmation): PublishOutcome {
    const { declarations, spec, blocked } = this.#of
    switch (confirmation) {
      case 'stored':
        return { state: 'stored', duplicate: false }
      case 'returned':
        declarations.forget(spec.name)
        return failed('refused', this.#error('NOT_FOUND', 'no such queue is there any more'))
      case 'refused': {
        const why = blocked() ?? this.#error('UNAVAILABLE', `message ${id} was not sent`)
        return failed('refused', why)
      }
      case 'nacked':
        return failed('unknown', this.#error('UNAVAILABLE', `message ${id} could not be stored`))
      case 'lost':
        return failed('unknown', this.#lost(id))
      case 'late':
        return failed(
          'unknown',
          blocked() ?? this.#error('TIMEOUT', `message ${id} was not confirmed`),
        )
    }
  }

  #faultOf({ id, headers, body, delayMs }: OutgoingMessage): NarrowcastError | null {
    const bytesMax = Math.min(this.#of.spec.payloadBytesMax, payloadBytesMax)
    const isLarge = typeof body !== 'string' || body.length * 3 > bytesMax
    const bytes = isLarge ? Buffer.byteLength(body) : 0
    if (bytes > bytesMax) {
      const text = `message ${id} has ${bytes} bytes, at most ${bytesMax} are taken`
      return this.#error('PAYLOAD_TOO_LARGE', text)
    }
    const wrong = headerNameFault(headers)
    if (wrong !== null) return this.#error('UNSUPPORTED', `message ${id}: ${wrong}`)
    const around = headerBytes(headers)
    if (around > headerBytesMax) {
      const text = `message ${id}: the headers have ${around} bytes; at most ${headerBytesMax} are taken`
      return this.#error('PAYLOAD_TOO_LARGE', text)
    }
    const mostMs = this.#of.spec.pattern === 'stream' ? 0 : delayMsMax
    if (delayMs >= 0 && delayMs <= mostMs) return null
    const text = `message ${id} has a delay of ${delayMs} ms, expected 0 to ${mostMs}`
    return this.#error('INVALID_ARGUMENT', text)
  }

  /** A channel that the broker ends for want of a right tells of it only there. */
  #lost(id: string): NarrowcastError {
    const { refusal } = this.#of.confirming
    const text = `message ${id} was not confirmed`
    if (refusal?.code !== 'LOGIN_REFUSED') return this.#error('CONNECTION_LOST', text)
    return this.#error('LOGIN_REFUSED', `${text}: ${refusal.message}`)
  }

  #error(code: ErrorCode, text: string): NarrowcastError {
    const { name } = this.#of.spec
    return rabbitmqError(code, 'publish', `to "${name}": ${text}`, { channel: name })
  }
}

/** The outcome of what an error has stopped. */
export function failed(
  state: 'refused' | 'unknown',
  { code, message, hint }: NarrowcastError,
): PublishOutcome {
  return { state, code, message, hint }
}
