import type { ChannelSpec } from '../../../core/channel.ts'
import type { Publisher } from '../../../core/driver.ts'
import { asNarrowcastError, type ErrorCode, type NarrowcastError } from '../../../core/errors.ts'
import type { OutgoingMessage, PublishOutcome } from '../../../core/message.ts'
import type { Confirmation, Confirming } from '../confirming.ts'
import type { Declarations } from '../declarations.ts'
import { failed } from '../queue/publisher.ts'
import { rabbitmqError } from '../rabbitmqErrors.ts'
import { faultOf, liveForm } from './outgoing.ts'
import { notSent } from './sending.ts'

export interface BroadcastOptions {
  readonly channel: ChannelSpec
  readonly confirming: Confirming
  readonly declarations: Declarations
  readonly checkOpen: (operation: string) => void
  /** Why the broker holds publishers back; null: it does not. */
  readonly blocked: () => NarrowcastError | null
}

/** Gives each message to all who are there. The broker tells whether there was anybody. */
export class BroadcastPublisher implements Publisher {
  readonly #of: BroadcastOptions
  #isClosed = false

  constructor(options: BroadcastOptions) {
    this.#of = options
  }

  async publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]> {
    const { channel, checkOpen } = this.#of
    checkOpen('publish')
    if (this.#isClosed) throw this.#error('CLOSED', 'this publisher was closed')
    const faults = batch.map((message) => faultOf(message, channel))
    const sound = batch.filter((_, at) => faults[at] === null)
    const outcomes = await this.#send(sound, signal)
    let next = 0
    return faults.map((fault) =>
      fault === null
        ? (outcomes[next++] as PublishOutcome)
        : failed('refused', this.#error(fault.code, fault.text, fault.hint)),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#of.confirming.close()
  }

  async #send(
    messages: readonly OutgoingMessage[],
    signal: AbortSignal,
  ): Promise<PublishOutcome[]> {
    if (messages.length === 0) return []
    const { channel, declarations, confirming } = this.#of
    const to = { exchange: channel.name, routingKey: '' }
    try {
      await declarations.declared(channel, signal)
      const forms = messages.map((message) => liveForm(message, channel, to))
      const said = await confirming.send(forms, signal)
      return said.map((one) => this.#outcome(one, signal))
    } catch (cause) {
      // Nothing of it has left: what is sent gets its confirmation, be it that it is lost.
      const error = asNarrowcastError(cause)
      return messages.map(() => failed('refused', error))
    }
  }

  #outcome(confirmation: Confirmation, signal: AbortSignal): PublishOutcome {
    const { channel, declarations, blocked } = this.#of
    switch (confirmation) {
      case 'stored':
        return { state: 'stored', duplicate: false }
      case 'returned':
        return { state: 'stored', duplicate: false, receivers: 0 }
      case 'refused':
        return failed('refused', notSent(channel, 'publish', blocked(), signal))
      case 'nacked':
        return failed('unknown', this.#error('UNAVAILABLE', 'a subscriber could not be given it'))
      case 'lost':
        declarations.forget(channel.name) // another program may have removed the exchange
        return failed('unknown', this.#error('CONNECTION_LOST', 'it was not confirmed'))
      case 'late':
        return failed(
          'unknown',
          blocked() ?? this.#error('TIMEOUT', 'it was not confirmed in time'),
        )
    }
  }

  #error(code: ErrorCode, text: string, hint?: string) {
    const { name } = this.#of.channel
    const whole = `to broadcast "${name}": ${text}`
    return rabbitmqError(code, 'publish', whole, { channel: name, ...(hint && { hint }) })
  }
}
