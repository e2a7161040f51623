import { setTimeout as sleep } from 'node:timers/promises'
import { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import {
  type Client,
  type ConnectionOptions,
  connectClient,
  noLimit,
  type OpenedClient,
  placeOf,
  textOf,
} from './connectClient.ts'
import { Lanes } from './lanes.ts'
import { Listening, type MessageListener } from './listening.ts'
import {
  asReplyError,
  closedError,
  reasonOf,
  redisError,
  repliedWith,
  replyCode,
} from './redisErrors.ts'
import type { Script } from './script.ts'
import { factsOf, infoSections, type ServerFacts } from './serverFacts.ts'
import { Silence } from './silence.ts'
import { keysOf, wrongTypeText } from './wrongType.ts'

export type { ConnectionOptions } from './connectClient.ts'
export type { MessageListener } from './listening.ts'

export type Argument = string | Buffer

/** RESP type of a text; asked for as bytes where a value need not be UTF-8. */
const blobString = 36

/** A server that owes answers and gives none for so long is lost. */
const silenceMsMax = 10_000
/** How often, and how long each time, it is awaited why a server has closed a connection. */
const explain = { times: 10, ms: 100 } as const

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
  #waiting = 0
  readonly #told = new Set<Script>()
  readonly #listening: (Promise<Listening> | undefined)[] = []
  readonly #lanes = new Lanes<MessageListener>()
  /** It has become a replica: it ends when all answers are there. */
  #demoted: NarrowcastError | null = null
  #end: NarrowcastError | null = null

  private constructor(
    address: Address,
    options: ConnectionOptions,
    opened: OpenedClient & { facts: ServerFacts },
    ended: (error: NarrowcastError) => void,
  ) {
    this.address = address
    this.facts = opened.facts
    this.#options = options
    this.#commands = opened.client
    this.#ended = ended
    const silent = () => this.lose(this.#lost(`gave no answer for ${silenceMsMax} ms`))
    this.#silence = new Silence(silenceMsMax, silent)
    if (opened.socket) this.#silence.watch(opened.socket)
    opened.client.on('terminated', (cause: Error) => this.#break(cause, 'its connection'))
  }

  /** @throws CONNECT_FAILED, LOGIN_REFUSED, UNAVAILABLE, CLIENT_MISSING */
  static async open(
    address: Address,
    options: ConnectionOptions,
    ended: (error: NarrowcastError) => void,
    signal: AbortSignal,
  ): Promise<Connection> {
    const opened = await connectClient(address, options, signal)
    const facts = await askFacts(opened.client, address)
    return new Connection(address, options, { ...opened, facts }, ended)
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
      if (replyCode(error) !== null) throw await this.#refused(error, operation, args)
      if (error instanceof TypeError) {
        throw redisError('INTERNAL', operation, textOf(error), { cause: error, definite: true })
      }
      const why = this.#end ? reasonOf(this.#end) : textOf(error)
      throw redisError('CONNECTION_LOST', operation, `no answer: ${why}`, {
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
    return (await Promise.all([asking, answer]))[1] // together: a lost connection rejects both
  }

  /**
   * A script by its name; the server is told its text the first time, and where it does not know
   * it any more. To try the name first would let what is asked for next overtake it.
   */
  async run<T = unknown>(
    script: Script,
    keys: readonly string[],
    args: readonly Argument[],
    operation: string,
    as: 'text' | 'bytes' = 'text',
  ): Promise<T> {
    const rest = [String(keys.length), ...keys, ...args]
    const told = this.#told.has(script)
    this.#told.add(script)
    if (!told) return await this.send<T>(['EVAL', script.text, ...rest], operation, as)
    try {
      return await this.send<T>(['EVALSHA', script.sha, ...rest], operation, as)
    } catch (error) {
      if (repliedWith(error) !== 'NOSCRIPT') throw error
      return await this.send<T>(['EVAL', script.text, ...rest], operation, as)
    }
  }

  /**
   * Resolves when the server has confirmed it. The listener hears all that comes after that. One
   * that is counted is a receiver of its own to the server.
   */
  async subscribe(
    channel: string,
    listener: MessageListener,
    isSharded: boolean,
    isCounted = false,
  ): Promise<void> {
    const lane = isCounted ? this.#lanes.take(channel, listener) : 0
    try {
      const listening = await this.#listeningOn(lane)
      await listening.subscribe(channel, listener, isSharded)
    } catch (error) {
      this.#lanes.give(channel, listener)
      throw this.#end ?? error
    }
  }

  async unsubscribe(channel: string, listener: MessageListener, isSharded: boolean): Promise<void> {
    const listening = await this.#listening[this.#lanes.give(channel, listener)]
    if (!this.#end) await listening?.unsubscribe(channel, listener, isSharded)
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
    this.#commands.destroy()
    for (const listening of this.#listening) {
      listening?.then(
        (open) => open.close(),
        () => {}, // never opened: whoever asked for it was told
      )
    }
  }

  /** A primary that has become a replica takes nothing more, and its other answers are awaited. */
  async #refused(
    error: unknown,
    operation: string,
    args: readonly Argument[],
  ): Promise<NarrowcastError> {
    const code = replyCode(error)
    const better = code === 'WRONGTYPE' ? await this.#whatLiesThere(keysOf(args)) : undefined
    const known = asReplyError(error, operation, better)
    if (code === 'READONLY') this.#demoted ??= known
    return known
  }

  /** Undefined where the server does not say. */
  async #whatLiesThere(keys: readonly string[]): Promise<string | undefined> {
    try {
      const types = keys.map((key) => this.#commands.sendCommand<string>(['TYPE', key], noLimit))
      return wrongTypeText(keys, await Promise.all(types))
    } catch {
      return undefined // then the words of the server have to do
    }
  }

  #listeningOn(lane: number): Promise<Listening> {
    if (this.#end ?? this.#demoted) throw this.#notSent('subscribe')
    const listening = this.#listening[lane] ?? this.#openListening(lane)
    this.#listening[lane] = listening
    return listening
  }

  async #openListening(lane: number): Promise<Listening> {
    const lost = (what: string, cause: Error | null) => void this.#lostListening(what, cause)
    const { address } = this
    try {
      const listening = await Listening.open({
        ...{ address, options: this.#options, silenceMsMax, lost },
      })
      if (this.#end) listening.close()
      return listening
    } catch (error) {
      this.#listening[lane] = undefined // the next one asks again
      throw error
    }
  }

  /** Where the server still answers, it was the one that closed: it does not say why. */
  async #lostListening(what: string, cause: Error | null): Promise<void> {
    if (this.#end) return
    if (cause === null) return this.lose(this.#lost(what))
    const limit = await this.#outputLimit()
    if (limit === null) return this.lose(this.#lost(`${what}: ${cause.message}`, cause))
    const text = `closed the message connection, and answers on another: it cuts off who reads too slowly (client-output-buffer-limit ${limit}), and whom CLIENT KILL names`
    this.lose(this.#lost(text, cause))
  }

  /** What the server lets a listener leave unread; null when it does not answer. */
  async #outputLimit(): Promise<string | null> {
    const name = 'client-output-buffer-limit'
    const asking = this.send<Record<string, string>>(['CONFIG', 'GET', name], 'connection')
    try {
      const found = await Promise.race([asking, explained()])
      return found && (/pubsub \d+ \d+ \d+/.exec(found[name] ?? '')?.[0] ?? 'pubsub')
    } catch (error) {
      return repliedWith(error) === null ? null : 'pubsub'
    }
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

async function askFacts(client: Client, address: Address): Promise<ServerFacts> {
  try {
    return factsOf(await client.sendCommand<string>(['INFO', ...infoSections]))
  } catch (error) {
    client.destroy()
    if (replyCode(error) !== null) throw asReplyError(error, `connect to ${placeOf(address)}`)
    const text = `${placeOf(address)} does not say who it is: ${textOf(error)}`
    throw redisError('CONNECT_FAILED', 'connect', text, { cause: error })
  }
}

/** While this process stands still only one of the pauses passes: the answer may be here unread. */
async function explained(): Promise<null> {
  for (let n = 0; n < explain.times; n++) await sleep(explain.ms, undefined, { ref: false })
  return null
}
