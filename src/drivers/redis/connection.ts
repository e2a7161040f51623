import type { RedisClientOptions } from '@redis/client'
import { NarrowcastError } from '../../core/errors.ts'
import { asReplyError, closedError, redisError, replyCode } from './redisErrors.ts'
import type { Script } from './script.ts'

export type Argument = string | Buffer

type Client = ReturnType<typeof import('@redis/client')['createClient']>

/** RESP type of a text; asked for as bytes where a value need not be UTF-8. */
const blobString = 36

export interface Address {
  readonly host: string
  readonly port: number
}

/** What is the same for every connection of a session. */
export interface ConnectionOptions {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Of `node:tls`; null: plain TCP. */
  readonly tls: Readonly<Record<string, unknown>> | null
}

export type MessageListener = (message: Buffer) => void

/**
 * One server, without reconnects, retries and offline queue: a second layer that sends again would
 * store twice unseen. Messages of subscriptions come on a connection of their own, so that a slow
 * reader that the server cuts off takes no answer with it.
 */
export class Connection {
  readonly address: Address
  readonly #options: ConnectionOptions
  readonly #commands: Client
  readonly #ended: (error: NarrowcastError) => void
  #messages: Promise<Client> | null = null
  #end: NarrowcastError | null = null

  private constructor(
    address: Address,
    options: ConnectionOptions,
    client: Client,
    ended: (error: NarrowcastError) => void,
  ) {
    this.address = address
    this.#options = options
    this.#commands = client
    this.#ended = ended
    client.on('terminated', (cause: Error) => this.#lose(cause, 'its connection'))
  }

  /** @throws CONNECT_FAILED, LOGIN_REFUSED, CLIENT_MISSING */
  static async open(
    address: Address,
    options: ConnectionOptions,
    ended: (error: NarrowcastError) => void,
    signal: AbortSignal,
  ): Promise<Connection> {
    const client = await connectClient(address, options, signal)
    return new Connection(address, options, client, ended)
  }

  /** One command, its reply as text and numbers, or with bytes where text may not be UTF-8. */
  async send<T = unknown>(
    args: readonly Argument[],
    operation: string,
    as: 'text' | 'bytes' = 'text',
  ): Promise<T> {
    if (this.#end) throw this.#notSent(operation)
    try {
      const mapping = as === 'bytes' ? { typeMapping: { [blobString]: Buffer } } : {}
      return await this.#commands.sendCommand<T>(args, { ...noLimit, ...mapping })
    } catch (error) {
      if (replyCode(error) !== null) throw asReplyError(error, operation)
      throw redisError('CONNECTION_LOST', operation, `no answer: ${textOf(error)}`, {
        cause: error,
        hint: 'It may have been carried out.',
      })
    }
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
      if (replyCode((error as Error).cause) !== 'NOSCRIPT') throw error
      return await this.send<T>(['EVAL', script.text, ...rest], operation, as)
    }
  }

  /** Resolves when the server has confirmed it. The listener hears all that comes after that. */
  async subscribe(channel: string, listener: MessageListener, isSharded: boolean): Promise<void> {
    const client = await this.#messageClient()
    try {
      await (isSharded
        ? client.sSubscribe(channel, listener, true)
        : client.subscribe(channel, listener, true))
    } catch (error) {
      throw this.#end ?? asReplyError(error, 'subscribe')
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
    this.#end = error
    this.#commands.destroy()
    this.#messages?.then(
      (client) => client.isOpen && client.destroy(),
      () => {},
    )
    this.#ended(error)
  }

  close(): void {
    if (this.#end) return
    this.#end = closedError('connection')
    this.#commands.destroy()
    this.#messages?.then(
      (client) => client.isOpen && client.destroy(),
      () => {},
    )
  }

  #messageClient(): Promise<Client> {
    if (this.#end) throw this.#notSent('subscribe')
    this.#messages ??= connectClient(this.address, this.#options, AbortSignal.timeout(10_000)).then(
      (client) => {
        client.on('terminated', (cause: Error) => this.#lose(cause, 'its message connection'))
        client.on('sharded-channel-moved', () =>
          this.#lose(new Error('the slots have moved'), 'a subscription'),
        )
        if (this.#end) client.destroy()
        return client
      },
    )
    return this.#messages
  }

  #lose(cause: Error, what: string): void {
    const { host, port } = this.address
    this.lose(
      redisError(
        'CONNECTION_LOST',
        'connection',
        `${host}:${port} lost ${what}: ${cause.message}`,
        {
          cause,
        },
      ),
    )
  }

  /** It certainly did not leave. */
  #notSent(operation: string): NarrowcastError {
    const { code, message, cause } = this.#end as NarrowcastError
    return new NarrowcastError(code, message, { driver: 'redis', operation, definite: true, cause })
  }
}

/** Its own limit is for commands that wait to be written, which none does here. */
const noLimit = { timeout: 0 } as const

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

async function connectClient(
  { host, port }: Address,
  { username, password, database, tls }: ConnectionOptions,
  signal: AbortSignal,
): Promise<Client> {
  const { createClient } = await loadClient()
  const socket = { host, port, connectTimeout: 10_000, reconnectStrategy: false } as const
  const options: RedisClientOptions = {
    RESP: 3,
    disableOfflineQueue: true,
    maintNotifications: 'disabled',
    socket: tls === null ? socket : { ...socket, ...tls, tls: true },
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(database === 0 ? {} : { database }),
    commandOptions: noLimit,
  }
  const client = createClient(options) as Client
  client.on('error', () => {}) // each call that it breaks rejects, and `terminated` says the rest
  const stop = () => client.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    signal.throwIfAborted()
    await client.connect()
    return client
  } catch (error) {
    throw connectError(error, { host, port }, signal)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function connectError(error: unknown, { host, port }: Address, signal: AbortSignal) {
  if (signal.aborted) return signal.reason
  const code = replyCode(error)
  if (code !== null) return asReplyError(error, 'connect')
  const { code: system } = error as { code?: string }
  const refused = system === 'ECONNREFUSED'
  return redisError('CONNECT_FAILED', 'connect', `cannot reach ${host}:${port}: ${textOf(error)}`, {
    cause: error,
    hint: refused
      ? `Is Redis running? Nothing listens on port ${port} of ${host}.`
      : 'Check host and port of the URL, and the network between.',
  })
}

async function loadClient(): Promise<typeof import('@redis/client')> {
  try {
    return await import('@redis/client')
  } catch (cause) {
    throw redisError('CLIENT_MISSING', 'connect', 'the package @redis/client is not installed', {
      cause,
      hint: 'Install it: npm install @redis/client',
    })
  }
}
