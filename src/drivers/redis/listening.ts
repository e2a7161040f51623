import { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import {
  type Client,
  type ConnectionOptions,
  connectClient,
  connectMsMax,
  type OpenedClient,
  textOf,
} from './connectClient.ts'
import { asReplyError, replyCode } from './redisErrors.ts'
import { Silence } from './silence.ts'

export type MessageListener = (message: Buffer) => void

/** A connection that only listens is asked for a sign of life. */
const pingMs = 5_000

export interface ListeningOptions {
  readonly address: Address
  readonly options: ConnectionOptions
  readonly silenceMsMax: number
  /** Called once, with how it was lost. */
  readonly lost: (what: string, cause: Error | null) => void
}

/** One connection on which the messages of subscriptions come. */
export class Listening {
  readonly #client: Client
  readonly #silence: Silence
  readonly #ping: NodeJS.Timeout
  /** Rejects when it is over: what the client is asked from then on it would never answer. */
  readonly #over = Promise.withResolvers<never>()
  #isOver = false

  private constructor({ client, socket }: OpenedClient, { silenceMsMax, lost }: ListeningOptions) {
    this.#client = client
    this.#silence = new Silence(silenceMsMax, () =>
      lost(`gave no answer for ${silenceMsMax} ms`, null),
    )
    if (socket) this.#silence.watch(socket)
    this.#ping = setInterval(() => void this.#pinged(), pingMs).unref()
    this.#over.promise.catch(() => undefined) // nobody may be waiting
    client.on('terminated', (cause: Error) => {
      this.#end(cause)
      lost('lost its message connection', cause)
    })
    client.on('sharded-channel-moved', () => lost('lost slots to another node', null))
  }

  static async open(options: ListeningOptions): Promise<Listening> {
    const limit = AbortSignal.timeout(connectMsMax)
    return new Listening(await connectClient(options.address, options.options, limit), options)
  }

  /** Resolves when the server has confirmed it. The listener hears all that comes after that. */
  async subscribe(channel: string, listener: MessageListener, isSharded: boolean): Promise<void> {
    this.#silence.asked()
    try {
      const confirmed = isSharded
        ? this.#client.sSubscribe(channel, listener, true)
        : this.#client.subscribe(channel, listener, true)
      await Promise.race([confirmed, this.#over.promise])
    } catch (error) {
      if (replyCode(error) !== null) throw asReplyError(error, 'subscribe')
      const text = `redis: subscribe: it was not confirmed: ${textOf(error)}`
      const details = { driver: 'redis', operation: 'subscribe', cause: error }
      throw new NarrowcastError('CONNECTION_LOST', text, details)
    } finally {
      this.#silence.answered()
    }
  }

  async unsubscribe(channel: string, listener: MessageListener, isSharded: boolean): Promise<void> {
    const confirmed = isSharded
      ? this.#client.sUnsubscribe(channel, listener, true)
      : this.#client.unsubscribe(channel, listener, true)
    try {
      await Promise.race([confirmed, this.#over.promise])
    } catch (error) {
      if (!this.#isOver) throw error
    }
  }

  close(): void {
    clearInterval(this.#ping)
    this.#silence.close()
    this.#client.destroy()
    this.#end(new Error('the connection was closed'))
  }

  #end(cause: Error): void {
    this.#isOver = true
    this.#over.reject(cause)
  }

  /** An error of it breaks the connection, which `terminated` tells. */
  async #pinged(): Promise<void> {
    this.#silence.asked()
    await this.#client.sendCommand(['PING']).catch(() => {})
    this.#silence.answered()
  }
}
