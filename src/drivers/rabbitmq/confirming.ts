import type { NarrowcastError } from '../../core/errors.ts'
import type { AmqpConfirmChannel } from './client.ts'
import type { Connection } from './connection.ts'
import { endChannel } from './endChannel.ts'
import { asRabbitmqError } from './rabbitmqErrors.ts'
import { SentBatch } from './sentBatch.ts'
import { type Frame, isShort } from './wire.ts'

/**
 * stored: in the queue, on the disk of a majority. returned: no queue of that name is there, and
 * nothing was stored. refused: never sent. nacked, lost, late: may be stored.
 */
export type Confirmation = 'stored' | 'returned' | 'refused' | 'nacked' | 'lost' | 'late'

export interface Address {
  /** Empty: the one that every queue is bound to by its own name. */
  readonly exchange: string
  readonly routingKey: string
}

export interface Addressed extends Frame, Address {
  /** Nobody is given it before; 0: at once. */
  readonly delayMs: number
  /** For who is there now: it is not written to the disk. */
  readonly isTransient?: true
}

/**
 * A channel on which the broker confirms every message. A confirm alone says nothing of a message
 * that no queue took: it is sent back before its confirm comes, as it was asked to be.
 * @see https://www.rabbitmq.com/docs/confirms#when-publishes-are-confirmed
 */
export class Confirming {
  readonly #connection: Connection
  #channel: Promise<AmqpConfirmChannel> | null = null
  #refusal: NarrowcastError | null = null
  /** In the order in which they were sent; the broker confirms their messages in any. */
  readonly #underWay = new Map<SentBatch, AmqpConfirmChannel>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * One confirmation for each, in their order; all are refused while the broker holds publishers
   * back. An abort resolves at once: what was sent and is not confirmed is late.
   * @throws CONNECTION_LOST, before anything was sent
   */
  async send(batch: readonly Addressed[], signal: AbortSignal): Promise<Confirmation[]> {
    if (signal.aborted || this.#connection.blocked !== null) return batch.map(() => 'refused')
    const opening = this.#open()
    const channel = await opening
    if (signal.aborted) return batch.map(() => 'refused')
    if (this.#channel !== opening) return await this.send(batch, signal) // it was left meanwhile
    const sent = new SentBatch(batch)
    const abort = () => sent.giveUp()
    signal.addEventListener('abort', abort, { once: true })
    this.#underWay.set(sent, channel)
    try {
      for (const [at, one] of batch.entries()) publish(channel, one, sent.answered(at))
      this.#connection.gather()
      const confirmations = await sent.confirmations
      // Confirms that come late are nobody's any more, and when the node that led a queue has died
      // RabbitMQ 3.10 may nack all that is ever sent to it by a channel that was there before.
      const isSpent = confirmations.some((one) => one === 'late' || one === 'nacked')
      if (isSpent) this.#leave(opening)
      return confirmations
    } finally {
      this.#underWay.delete(sent)
      signal.removeEventListener('abort', abort)
      if (this.#channel !== opening) this.#endUnused(channel)
    }
  }

  /** What was sent here is waited for, as long as the broker takes messages. @throws UNAVAILABLE */
  async unlessBlocked<T>(sent: Promise<T>): Promise<T> {
    return await this.#connection.unlessBlocked(sent)
  }

  /** False: the broker holds publishers back, for a while. */
  get takes(): boolean {
    return this.#connection.blocked === null
  }

  /** Why the broker has ended the last channel that it ended, and all that was on its way there. */
  get refusal(): NarrowcastError | null {
    return this.#refusal
  }

  async close(): Promise<void> {
    const channel = await this.#channel?.catch(() => null)
    this.#channel = null
    if (channel) await endChannel(channel)
  }

  #open(): Promise<AmqpConfirmChannel> {
    if (this.#channel !== null) return this.#channel
    const opening = this.#openNow(() => this.#leave(opening))
    this.#channel = opening
    return opening
  }

  async #openNow(ended: () => void): Promise<AmqpConfirmChannel> {
    try {
      const channel = await this.#connection.confirmChannel()
      channel.on('close', ended)
      channel.on('error', (error) => {
        this.#refusal = asRabbitmqError(error, 'publish')
      })
      channel.on('return', (returned) => {
        for (const [sent, by] of this.#underWay) {
          if (by === channel && sent.returned(returned)) return
        }
      })
      return channel
    } catch (error) {
      ended()
      throw asRabbitmqError(error, 'publish')
    }
  }

  /** The next batch goes by another channel; this one is ended when nobody waits for it. */
  #leave(opening: Promise<AmqpConfirmChannel>): void {
    if (this.#channel === opening) this.#channel = null
  }

  #endUnused(channel: AmqpConfirmChannel): void {
    if (![...this.#underWay.values()].includes(channel)) void endChannel(channel)
  }
}

/** `answered`: once for each. */
function publish(
  channel: AmqpConfirmChannel,
  { exchange, routingKey, content, properties, delayMs, isTransient }: Addressed,
  answered: (confirmation: Confirmation) => void,
): void {
  const expiration = delayMs > 0 ? { expiration: String(Math.ceil(delayMs)) } : {}
  const persistent = isTransient !== true
  const options = { ...properties, ...expiration, mandatory: true, persistent } as const
  try {
    channel.publish(exchange, routingKey, content, options, (error) => {
      if (error === null) answered('stored')
      else answered(error.message === 'message nacked' ? 'nacked' : 'lost')
    })
  } catch {
    answered('refused') // headers larger than the client can write, or the channel has ended
  }
}

/** By the name of a queue. */
export function toQueue(queue: string): Address {
  return { exchange: '', routingKey: queue }
}

/** To the archive of a stream and to each of its groups. */
export function toStream(stream: string, { key }: { key: string | null }): Address {
  return { exchange: stream, routingKey: key !== null && isShort(key) ? key : '' }
}
