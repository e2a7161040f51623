import type { AmqpConfirmChannel, AmqpMessage } from './client.ts'
import type { Connection } from './connection.ts'
import { endChannel } from './endChannel.ts'
import { asRabbitmqError } from './rabbitmqErrors.ts'
import { type Frame, isShort } from './wire.ts'

/**
 * stored: in the queue, on the disk of a majority. returned: no queue of that name is there, and
 * nothing was stored. refused: never sent. nacked, lost, late: may be stored.
 */
export type Confirmation = 'stored' | 'returned' | 'refused' | 'nacked' | 'lost' | 'late'

interface Sent {
  readonly message: Addressed
  isReturned: boolean
}

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
  /** In the order in which they were sent; the broker confirms them in any. */
  readonly #sent = new Set<Sent>()

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
    const channel = await this.#open()
    const aborted = Promise.withResolvers<'late'>()
    const abort = () => {
      aborted.resolve('late')
      this.#discard(channel)
    }
    if (signal.aborted) return batch.map(() => 'refused')
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await Promise.all(
        batch.map((one) => Promise.race([this.#send(channel, one), aborted.promise])),
      )
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** What was sent here is waited for, as long as the broker takes messages. @throws UNAVAILABLE */
  async unlessBlocked<T>(sent: Promise<T>): Promise<T> {
    return await this.#connection.unlessBlocked(sent)
  }

  async close(): Promise<void> {
    const channel = await this.#channel?.catch(() => null)
    this.#channel = null
    if (channel) await endChannel(channel)
  }

  #send(channel: AmqpConfirmChannel, message: Addressed) {
    const { exchange, routingKey, content, properties, delayMs, isTransient } = message
    const { promise, resolve } = Promise.withResolvers<Confirmation>()
    const sent: Sent = { message, isReturned: false }
    const expiration = delayMs > 0 ? { expiration: String(Math.ceil(delayMs)) } : {}
    const persistent = isTransient !== true
    const options = { ...properties, ...expiration, mandatory: true, persistent } as const
    try {
      this.#sent.add(sent)
      channel.publish(exchange, routingKey, content, options, (error) => {
        this.#sent.delete(sent)
        if (error === null) resolve(sent.isReturned ? 'returned' : 'stored')
        else resolve(error.message === 'message nacked' ? 'nacked' : 'lost')
      })
    } catch {
      this.#sent.delete(sent)
      resolve('refused') // headers larger than the client can write, or the channel has ended
    }
    return promise
  }

  #open(): Promise<AmqpConfirmChannel> {
    if (this.#channel !== null) return this.#channel
    const opening = this.#openNow(() => {
      if (this.#channel === opening) this.#channel = null
    })
    this.#channel = opening
    return opening
  }

  async #openNow(ended: () => void): Promise<AmqpConfirmChannel> {
    try {
      const channel = await this.#connection.confirmChannel()
      channel.on('close', ended)
      channel.on('return', (returned) => {
        for (const sent of this.#sent) {
          if (sent.isReturned || !isSame(sent.message, returned)) continue
          sent.isReturned = true
          return
        }
      })
      return channel
    } catch (error) {
      ended()
      throw asRabbitmqError(error, 'publish')
    }
  }

  /** Confirms that come late are nobody's any more. */
  #discard(channel: AmqpConfirmChannel): void {
    this.#channel = null
    this.#sent.clear()
    void endChannel(channel)
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

/** A return names no number. Which of two that are alike in all of this came back is all the same. */
function isSame(sent: Addressed, { fields, properties: found, ...returned }: AmqpMessage): boolean {
  const { exchange, routingKey, content, properties } = sent
  return (
    exchange === fields.exchange &&
    routingKey === fields.routingKey &&
    properties.messageId === found.messageId &&
    content.equals(returned.content)
  )
}
