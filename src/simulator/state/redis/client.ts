import { NarrowcastError } from '../../../core/errors.ts'
import { redactUrl } from '../../../core/url.ts'
import type { Reply } from './replies.ts'
import type { Script } from './script.ts'

type RedisClient = ReturnType<typeof import('@redis/client')['createClient']>

export interface ClientOptions {
  readonly url: string
  /** Its messages come on the same connection as the answers, in one order with them. */
  readonly channel: string
  readonly onMessage: (text: string) => void
  /** The connection broke; nothing is sent after that. */
  readonly onLost: (error: NarrowcastError) => void
}

const connectTimeoutMs = 5_000

/** One connection, without reconnects: what it had sent when it broke may have been carried out. */
export class Client {
  readonly #client: RedisClient
  readonly #onLost: (error: NarrowcastError) => void
  #end: NarrowcastError | null = null

  private constructor(client: RedisClient, onLost: (error: NarrowcastError) => void) {
    this.#client = client
    this.#onLost = onLost
    client.on('terminated', (cause: unknown) => this.lose(unavailable(cause)))
  }

  /** @throws CLIENT_MISSING, INVALID_CONFIG, CONNECT_FAILED, LOGIN_REFUSED, UNSUPPORTED */
  static async open({ url, channel, onMessage, onLost }: ClientOptions): Promise<Client> {
    const client = await newClient(url)
    client.on('error', () => {}) // told by each call that it breaks, and by 'terminated'
    try {
      await client.connect()
      await refuseCluster(client)
      await client.subscribe(channel, onMessage)
      return new Client(client, onLost)
    } catch (cause) {
      if (client.isOpen) client.destroy()
      throw connectError(url, cause)
    }
  }

  /** @throws UNAVAILABLE, CONNECTION_LOST */
  async send(args: readonly string[]): Promise<Reply> {
    if (this.#end) throw this.#end
    try {
      return await this.#client.sendCommand<Reply>(args)
    } catch (cause) {
      throw this.#failure(cause)
    }
  }

  async run(script: Script, args: readonly string[]): Promise<Reply> {
    if (this.#end) throw this.#end
    const send = (command: string, what: string) =>
      this.#client.sendCommand<Reply>([command, what, '0', ...args])
    try {
      return await send('EVALSHA', script.sha)
    } catch (error) {
      if (!textOf(error).startsWith('NOSCRIPT')) throw this.#failure(error)
    }
    try {
      return await send('EVAL', script.text)
    } catch (error) {
      throw this.#failure(error)
    }
  }

  /** Breaks it off. */
  lose(error: NarrowcastError): void {
    if (!this.#cut(error)) return
    this.#onLost(error)
  }

  close(): void {
    this.#cut(new NarrowcastError('CLOSED', 'sim server: the state was closed'))
  }

  #cut(error: NarrowcastError): boolean {
    if (this.#end) return false
    this.#end = error
    if (this.#client.isOpen) this.#client.destroy()
    return true
  }

  /**
   * A server that cannot do it now is one to be connected to anew: whoever waits is told again
   * then. All else is a defect.
   */
  #failure(cause: unknown): NarrowcastError {
    const text = textOf(cause)
    if (this.#end) return this.#end
    const found = /^(ERR|WRONGTYPE|NOPERM) /.exec(text)
    if (found) {
      const code = found[1] === 'NOPERM' ? 'LOGIN_REFUSED' : 'INTERNAL'
      return new NarrowcastError(code, `sim server: Redis refused: ${text}`, { cause })
    }
    const error = unavailable(cause)
    // A reply means that nothing was done; without one the connection broke in between.
    this.lose(error)
    return error
  }
}

const textOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

function unavailable(cause: unknown): NarrowcastError {
  const text = `sim server: the state in Redis is out of reach: ${textOf(cause)}`
  return new NarrowcastError('UNAVAILABLE', text, { cause, definite: false })
}

async function newClient(url: string): Promise<RedisClient> {
  const { createClient } = await loadRedis()
  const socket = { reconnectStrategy: false, connectTimeout: connectTimeoutMs } as const
  const settings = { RESP: 3, disableOfflineQueue: true, maintNotifications: 'disabled' } as const
  // Each would have a timer of its own; whether Redis answers is seen by the beats.
  const commandOptions = { timeout: 0 }
  try {
    return createClient({ url, socket, ...settings, commandOptions }) as RedisClient
  } catch (cause) {
    const text = `sim server: the state ${redactUrl(url)} is no URL of a Redis: ${textOf(cause)}`
    throw new NarrowcastError('INVALID_CONFIG', text, { cause })
  }
}

async function loadRedis(): Promise<typeof import('@redis/client')> {
  try {
    return await import('@redis/client')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new NarrowcastError(
      'CLIENT_MISSING',
      'sim server: a state in Redis needs the package @redis/client, which is not installed',
      { cause, hint: 'npm install @redis/client' },
    )
  }
}

/** The names of its keys lie in many slots, and each step touches several of them. */
async function refuseCluster(client: RedisClient): Promise<void> {
  if (!/redis_mode:cluster|cluster_enabled:1/.test(await client.info('cluster'))) return
  throw new NarrowcastError('UNSUPPORTED', 'sim server: the state cannot lie on a Redis Cluster', {
    hint: 'Give --state a single server, or the primary of a Sentinel set.',
  })
}

function connectError(url: string, cause: unknown): NarrowcastError {
  if (cause instanceof NarrowcastError) return cause
  const text = textOf(cause)
  const isLogin = /^(NOAUTH|WRONGPASS|NOPERM)/.test(text)
  return new NarrowcastError(
    isLogin ? 'LOGIN_REFUSED' : 'CONNECT_FAILED',
    `sim server: cannot use the state ${redactUrl(url)}: ${text}`,
    {
      cause,
      hint: isLogin
        ? 'User and password belong into the URL: redis://USER:PASSWORD@host:6379'
        : 'Is Redis running there?',
    },
  )
}
