import { NarrowcastError } from '../../core/errors.ts'
import {
  type Address,
  type Client,
  type ConnectionOptions,
  connectClient,
  connectMsMax,
  noLimit,
  placeOf,
  textOf,
} from './connectClient.ts'
import { asReplyError, closedError, redisError, repliedWith, replyCode } from './redisErrors.ts'
import type { Script } from './script.ts'
import { factsOf, infoSections, type ServerFacts } from './serverFacts.ts'
import { Silence } from './silence.ts'

export type { Address, ConnectionOptions } from './connectClient.ts'

export type Argument = string | Buffer

/** RESP type of a text; asked for as bytes where a value need not be UTF-8. */
const blobString = 36

export type MessageListener = (message: Buffer) => void

/** A server that owes answers and gives none for so long is lost. */
const silenceMsMax = 10_000
/** A connection that only listens is asked for a sign of life. */
const pingMs = 5_000

/**
 * One server, without reconnects, retries and offline queue: a second layer that sends again would
 * store twice unseen. Messages of subscriptions come on a connection of their own, so that a slow
 * reader that the server cuts off takes no answer with it.
 */
export class Connection {
  readonly address: Address
  /** As it said when it was connected to. */
  readonly facts: ServerFacts
  readonly #options: ConnectionOptions
  readonly #commands: Client
  readonly #ended: (error: NarrowcastError) => void
  readonly #silence: Silence
  /** Of the messages: answers to commands say nothing of them. */
  readonly #deafness: Silence
  #waiting = 0
  #messages: Promise<Client> | null = null
  #ping: NodeJS.Timeout | null = null
  /** It has become a replica: it ends when all answers are there. */
  #demoted: NarrowcastError | null = null
  #end: NarrowcastError | null = null

  private constructor(
    address: Address,
    options: ConnectionOptions,
    opened: { client: Client; facts: ServerFacts },
    ended: (error: NarrowcastError) => void,
  ) {
    this.address = address
    this.facts = opened.facts
    this.#options = options
    this.#commands = opened.client
    this.#ended = ended
    const silent = () => this.lose(this.#lost(`gave no answer for ${silenceMsMax} ms`))
    this.#silence = new Silence(silenceMsMax, silent)
    this.#deafness = new Silence(silenceMsMax, silent)
    opened.client.on('terminated', (cause: Error) => this.#break(cause, 'its connection'))
  }

  /** @throws CONNECT_FAILED, LOGIN_REFUSED, UNAVAILABLE, CLIENT_MISSING */
  static async open(
    address: Address,
    options: ConnectionOptions,
    ended: (error: NarrowcastError) => void,
    signal: AbortSignal,
  ): Promise<Connection> {
    const client = await connectClient(address, options, signal)
    try {
      const facts = factsOf(await client.sendCommand<string>(['INFO', ...infoSections]))
      return new Connection(address, options, { client, facts }, ended)
    } catch (error) {
      client.destroy()
      if (replyCode(error) !== null) throw asReplyError(error, `connect to ${placeOf(address)}`)
      const text = `${placeOf(address)} does not say who it is: ${textOf(error)}`
      throw redisError('CONNECT_FAILED', 'connect', text, { cause: error })
    }
  }

  /** One command, its reply as text and numbers, or with bytes where text may not be UTF-8. */
  async send<T = unknown>(
    args: readonly Argument[],
    operation: string,
    as: 'text' | 'bytes' = 'text',
  ): Promise<T> {
    if (this.#end ?? this.#demoted) throw this.#notSent(operation)
    this.#waiting++
    this.#silence.asked()
    try {
      const mapping = as === 'bytes' ? { typeMapping: { [blobString]: Buffer } } : {}
      return await this.#commands.sendCommand<T>(args, { ...noLimit, ...mapping })
    } catch (error) {
      if (replyCode(error) !== null) throw this.#refused(error, operation)
      throw redisError('CONNECTION_LOST', operation, `no answer: ${textOf(error)}`, {
        cause: error,
        hint: 'It may have been carried out.',
      })
    } finally {
      this.#waiting--
      this.#silence.answered()
      if (this.#demoted && this.#waiting === 0) this.lose(this.#demoted)
    }
  }

  /** What another node has sent here though it does not have the slot yet. */
  async sendAsking<T = unknown>(
    args: readonly Argument[],
    operation: string,
    as: 'text' | 'bytes' = 'text',
  ): Promise<T> {
    const asking = this.send(['ASKING'], operation)
    const answer = this.send<T>(args, operation, as) // at once: it holds for the next command alone
    await asking
    return await answer
  }

  /** A script by its name; the server is told its text where it does not know it. */
  async run<T = unknown>(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    operation: string,
    as: 'text' | 'bytes' = 'text',
  ): Promise<T> {
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.send<T>(['EVALSHA', script.sha, ...rest], operation, as)
    } catch (error) {
      if (repliedWith(error) !== 'NOSCRIPT') throw error
      return await this.send<T>(['EVAL', script.text, ...rest], operation, as)
    }
  }

  /** Resolves when the server has confirmed it. The listener hears all that comes after that. */
  async subscribe(channel: string, listener: MessageListener, isSharded: boolean): Promise<void> {
    const client = await this.#messageClient()
    this.#deafness.asked()
    try {
      await (isSharded
        ? client.sSubscribe(channel, listener, true)
        : client.subscribe(channel, listener, true))
    } catch (error) {
      if (replyCode(error) !== null) throw asReplyError(error, 'subscribe')
      throw this.#end ?? this.#lost(`confirmed no subscription: ${textOf(error)}`)
    } finally {
      this.#deafness.answered()
    }
  }

  async unsubscribe(channel: string, listener: MessageListener, isSharded: boolean): Promise<void> {
    if (this.#end || !this.#messages) return
    const client = await this.#messages
    await (isSharded
      ? client.sUnsubscribe(channel, listener, true)
      : client.unsubscribe(channel, listener, true))
  }

  /** Breaks it off: what was sent and not answered may have been carried out. */
  lose(error: NarrowcastError): void {
    if (this.#end) return
    this.#destroy(error)
    this.#ended(error)
  }

  close(): void {
    if (!this.#end) this.#destroy(closedError('connection'))
  }

  #destroy(error: NarrowcastError): void {
    this.#end = error
    this.#silence.close()
    this.#deafness.close()
    if (this.#ping !== null) clearInterval(this.#ping)
    this.#commands.destroy()
    this.#messages?.then(
      (client) => client.destroy(),
      () => {}, // never opened: whoever asked for it was told
    )
  }

  /** A primary that has become a replica takes nothing more, and its other answers are awaited. */
  #refused(error: unknown, operation: string): NarrowcastError {
    const known = asReplyError(error, operation)
    if (replyCode(error) === 'READONLY') this.#demoted ??= known
    return known
  }

  #messageClient(): Promise<Client> {
    if (this.#end ?? this.#demoted) throw this.#notSent('subscribe')
    this.#messages ??= this.#openMessages()
    return this.#messages
  }

  async #openMessages(): Promise<Client> {
    const limit = AbortSignal.timeout(connectMsMax)
    try {
      const client = await connectClient(this.address, this.#options, limit)
      client.on('terminated', (cause: Error) => this.#break(cause, 'its message connection'))
      client.on('sharded-channel-moved', () => this.lose(this.#lost('lost slots to another node')))
      if (this.#end) client.destroy()
      else this.#ping = setInterval(() => void this.#pinged(client), pingMs).unref()
      return client
    } catch (error) {
      this.#messages = null // the next one asks again
      throw error
    }
  }

  /** An error of it breaks the connection, which `terminated` tells. */
  async #pinged(client: Client): Promise<void> {
    this.#deafness.asked()
    await client.sendCommand(['PING']).catch(() => {})
    this.#deafness.answered()
  }

  #break(cause: Error, what: string): void {
    this.lose(this.#lost(`lost ${what}: ${cause.message}`, cause))
  }

  #lost(what: string, cause?: unknown): NarrowcastError {
    const text = `${placeOf(this.address)} ${what}`
    return redisError('CONNECTION_LOST', 'connection', text, cause === undefined ? {} : { cause })
  }

  /** It certainly did not leave. */
  #notSent(operation: string): NarrowcastError {
    const end = (this.#end ?? this.#demoted) as NarrowcastError
    const { code, message, cause } = end
    return new NarrowcastError(code, message, { driver: 'redis', operation, definite: true, cause })
  }
}
