import type { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import type { AmqpChannel, AmqpConfirmChannel } from './client.ts'
import { type Connected, connect } from './connect.ts'
import { endChannel } from './endChannel.ts'
import { Gathering } from './gathering.ts'
import type { RabbitmqTarget } from './options.ts'
import { asRabbitmqError, rabbitmqError, replyTextOf } from './rabbitmqErrors.ts'

/** What a broker says of itself when it is connected to. */
export interface ServerFacts {
  readonly product: string
  readonly version: string
  readonly cluster: string
  /** As agreed upon: the shorter one of ours and its own. */
  readonly heartbeatS: number
}

/**
 * One connection: it is never opened again. Publishing has one of its own, for a broker that is
 * short of memory or disk stops reading from connections that publish, and acknowledgements would
 * wait with them. @see https://www.rabbitmq.com/docs/alarms
 */
export class Connection {
  readonly facts: ServerFacts
  readonly #connected: Connected
  readonly #gathering: Gathering
  readonly #ended = new AbortController()
  readonly #waiting = new Set<(why: NarrowcastError) => void>()
  /** Why the broker holds publishers back; null: it does not. */
  blocked: NarrowcastError | null = null
  /** Told when that changes. */
  onBlocked: (why: NarrowcastError | null) => void = () => {}

  static async open(
    target: RabbitmqTarget,
    role: 'consumer' | 'publisher',
    signal: AbortSignal,
  ): Promise<Connection> {
    return new Connection(await connect(target, role, signal))
  }

  private constructor(connected: Connected) {
    this.#connected = connected
    const { client } = connected
    this.#gathering = new Gathering(client.connection.stream)
    const said = (name: string) => String(client.connection.serverProperties[name] ?? 'unknown')
    this.facts = {
      product: said('product').toLowerCase(),
      version: said('version'),
      cluster: said('cluster_name'),
      heartbeatS: client.connection.heartbeat,
    }
    client.on('close', (error) => this.#end(lost(connected, error)))
    client.on('blocked', (reason) => {
      const why = heldBack(reason)
      this.blocked = why
      for (const tell of this.#waiting) tell(why)
      this.onBlocked(why)
    })
    client.on('unblocked', () => {
      this.blocked = null
      this.onBlocked(null)
    })
  }

  get address(): Address {
    return this.#connected.address
  }

  /** Fires, with the reason, when it has ended. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** What waits for the broker, as long as it takes messages. @throws UNAVAILABLE */
  async unlessBlocked<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    this.#waiting.add(reject)
    try {
      if (this.blocked !== null) reject(this.blocked)
      return await Promise.race([work, promise])
    } finally {
      this.#waiting.delete(reject)
    }
  }

  /** What was sent in this turn leaves together. */
  gather(): void {
    this.#gathering.turn()
  }

  /** @throws CONNECTION_LOST */
  channel(): Promise<AmqpChannel> {
    return this.#open(() => this.#connected.client.createChannel())
  }

  /** @throws CONNECTION_LOST */
  confirmChannel(): Promise<AmqpConfirmChannel> {
    return this.#open(() => this.#connected.client.createConfirmChannel())
  }

  /**
   * On a channel of its own: a refusal ends the channel that asked.
   * @throws what the broker refuses with, CONNECTION_LOST
   */
  async ask<T>(
    operation: string,
    channelName: string | undefined,
    question: (channel: AmqpChannel) => Promise<T>,
  ): Promise<T> {
    const channel = await this.channel()
    try {
      return await question(channel)
    } catch (error) {
      if (this.ended.aborted) throw this.ended.reason
      throw asRabbitmqError(error, operation, channelName)
    } finally {
      await endChannel(channel)
    }
  }

  /** In order: what was written before is still carried out, until the signal fires. `why`: for who still asks. */
  async close(why: NarrowcastError, late: AbortSignal): Promise<void> {
    if (this.ended.aborted) return
    this.#end(why)
    const { client, destroy } = this.#connected
    const { promise, resolve } = Promise.withResolvers<void>()
    client.on('close', () => resolve())
    client.close().then(resolve, resolve) // it rejects where the connection has ended meanwhile
    if (late.aborted) destroy()
    late.addEventListener('abort', destroy)
    await promise
    late.removeEventListener('abort', destroy)
  }

  async #open<C extends AmqpChannel>(open: () => Promise<C>): Promise<C> {
    if (this.ended.aborted) throw this.ended.reason
    try {
      const channel = await open()
      channel.on('error', () => {}) // whoever asked is told by the answer
      return channel
    } catch (error) {
      if (this.ended.aborted) throw this.ended.reason
      throw asRabbitmqError(error, 'open a channel')
    }
  }

  #end(error: NarrowcastError): void {
    if (!this.ended.aborted) this.#ended.abort(error)
  }
}

function heldBack(reason: string): NarrowcastError {
  const text = `the broker holds publishers back: ${reason}`
  return rabbitmqError('UNAVAILABLE', 'publish', text, { hint: alarmHint })
}

const alarmHint = 'It is short of memory or disk space: rabbitmqctl status tells which.'

function lost({ address }: Connected, cause: Error | undefined): NarrowcastError {
  const why = cause === undefined ? 'it was closed' : replyTextOf(cause)
  const text = `the connection to ${address.host}:${address.port} is lost: ${why}`
  return rabbitmqError('CONNECTION_LOST', 'connection', text, { cause })
}
