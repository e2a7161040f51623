import type { Socket } from 'node:net'
import type { RedisClientOptions } from '@redis/client'
import type { NarrowcastError } from '../../core/errors.ts'
import { withOpenedSocket } from '../_shared/openedSocket.ts'
import type { Address } from '../_shared/serverPlace.ts'
import { answersPlainly } from './plainRedis.ts'
import { asReplyError, redisError, replyCode } from './redisErrors.ts'

type Listener = (message: Buffer) => void

/** What is used of the client. Its own types are not everywhere: the package is an optional peer. */
export interface Client {
  sendCommand<T>(
    args: readonly (string | Buffer)[],
    options?: {
      readonly timeout?: number
      readonly typeMapping?: Readonly<Record<number, unknown>>
    },
  ): Promise<T>
  subscribe(channel: string, listener: Listener, asBytes: true): Promise<void>
  subscribe(channel: string, listener: (message: string) => void): Promise<void>
  sSubscribe(channel: string, listener: Listener, asBytes: true): Promise<void>
  unsubscribe(channel: string, listener: Listener, asBytes: true): Promise<void>
  sUnsubscribe(channel: string, listener: Listener, asBytes: true): Promise<void>
  on(event: 'error' | 'terminated', listener: (error: Error) => void): unknown
  on(event: 'connect' | 'sharded-channel-moved', listener: () => void): unknown
  connect(): Promise<unknown>
  destroy(): void
}

/** What is the same for every connection of a session. */
export interface ConnectionOptions {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly database: number
  /** Of `node:tls`; null: plain TCP. */
  readonly tls: Readonly<Record<string, unknown>> | null
}

export interface OpenedClient {
  readonly client: Client
  /** For looking only: what arrives there, before it is a whole answer. */
  readonly socket: Socket | null
}

/** How long a server may take to accept a connection and to say who it is. */
export const connectMsMax = 10_000
/** A Redis without TLS waits for the rest of the greeting: it is asked so soon whether it is one. */
const askPlainMs = 1_500

/** One connection that has said HELLO. @throws CONNECT_FAILED, LOGIN_REFUSED, CLIENT_MISSING, … */
export async function connectClient(
  address: Address,
  { username, password, database, tls }: ConnectionOptions,
  signal: AbortSignal,
): Promise<OpenedClient> {
  const { createClient } = await loadClient()
  const { host, port } = address
  const socket = { host, port, connectTimeout: connectMsMax, reconnectStrategy: false } as const
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
  const seen: Seen = { isAccepted: false, isForeign: false, isPlain: false }
  const plain = new AbortController()
  const over = AbortSignal.any([signal, AbortSignal.timeout(connectMsMax), plain.signal])
  const asking = tls === null ? null : setTimeout(askPlainly, askPlainMs)
  async function askPlainly() {
    seen.isPlain = await answersPlainly(address, over)
    if (seen.isPlain) plain.abort()
  }
  client.on('connect', () => {
    seen.isAccepted = true
    // A client that is ended before it has its socket waits on: it is ended when it has it.
    if (over.aborted) client.destroy()
  })
  // Each call that it breaks rejects, and `terminated` says the rest. What is not the protocol of
  // Redis is told here alone.
  client.on('error', (error: Error) => {
    if (!error.message.startsWith('Unknown RESP type')) return
    seen.isForeign = true
    client.destroy()
  })
  try {
    let first: Socket | null = null
    await withOpenedSocket(
      () => connected(client, over),
      (opened) => {
        first ??= opened
      },
    )
    return { client, socket: first }
  } catch (error) {
    throw connectError(error, { address, seen, isTls: tls !== null, isOver: over.aborted })
  } finally {
    if (asking !== null) clearTimeout(asking)
  }
}

async function connected(client: Client, over: AbortSignal): Promise<void> {
  over.throwIfAborted()
  const ended = Promise.withResolvers<never>()
  const stop = () => {
    client.destroy()
    ended.reject(over.reason)
  }
  over.addEventListener('abort', stop, { once: true })
  try {
    await Promise.race([client.connect(), ended.promise])
  } finally {
    over.removeEventListener('abort', stop)
  }
}

/** Its own limit is for commands that wait to be written, which none does here. */
export const noLimit = { timeout: 0 } as const

interface Seen {
  isAccepted: boolean
  /** It answered, but not as a Redis does. */
  isForeign: boolean
  /** It answers, but not by TLS. */
  isPlain: boolean
}

interface Tried {
  readonly address: Address
  readonly seen: Seen
  readonly isTls: boolean
  readonly isOver: boolean
}

function connectError(error: unknown, { address, seen, isTls, isOver }: Tried): NarrowcastError {
  const place = placeOf(address)
  if (replyCode(error) !== null) return asReplyError(error, `connect to ${place}`)
  const [why, hint] = explained(error, { address, seen, isTls, isOver })
  return redisError('CONNECT_FAILED', 'connect', `cannot reach ${place}: ${why}`, {
    cause: error,
    hint,
  })
}

function explained(error: unknown, { address, seen, isTls, isOver }: Tried): [string, string] {
  const { host, port } = address
  const { code = '' } = error as { code?: string }
  const text = textOf(error)
  const other = `Does another program listen on port ${port} of ${host}?`
  const tryTls = isTls ? other : `${other} If it is a Redis with TLS: rediss://.`
  if (seen.isPlain) return withoutTls
  if (seen.isForeign) return ['what answers does not speak the protocol of Redis', tryTls]
  if (isOver || code === 'ETIMEDOUT' || /Connection timeout/.test(text)) {
    if (seen.isAccepted) return ['it took the connection and said nothing', tryTls]
    const plain = isTls ? ' Without TLS the URL begins with redis://.' : ''
    return ['no answer', `Check host and port of the URL, and the firewalls between.${plain}`]
  }
  if (code === 'ECONNREFUSED') {
    return [text, `Is Redis running? Nothing listens on port ${port} of ${host}.`]
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return [`there is no host ${host}`, 'Check the host in the URL.']
  }
  const isTlsTrouble = /SSL|TLS|CERT|SIGNATURE|SIGNED/.test(code) || /SSL routines/.test(text)
  if (isTls && isTlsTrouble) return tlsTrouble(code, text)
  if (/closed unexpectedly/.test(text) || code === 'ECONNRESET' || code === 'EPIPE') {
    return ['it closed the connection at once', tryTls]
  }
  return [text, 'Check host and port of the URL, and the network between.']
}

const withoutTls: [string, string] = [
  'what answers does not speak TLS',
  'Without TLS the URL begins with redis://.',
]

function tlsTrouble(code: string, text: string): [string, string] {
  if (/wrong version number|packet length too long/i.test(text)) {
    return withoutTls
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return [text, 'Use a host in the URL that the certificate of the server names.']
  }
  if (/certificate required|handshake failure|alert/i.test(text)) {
    return [text, 'The server wants a certificate of ours: rediss://…?cert=FILE&key=FILE.']
  }
  return [text, 'Say who has signed the certificate of the server: rediss://…?ca=FILE.']
}

export const placeOf = ({ host, port }: Address) =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`

/** An error of several addresses has no text of its own. */
export function textOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(textOf).join(', ')
  }
  return error instanceof Error ? error.message : String(error)
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
