import type { NarrowcastError } from '../../core/errors.ts'
import type { Address } from '../_shared/serverPlace.ts'
import { readTls } from '../_shared/tlsFiles.ts'
import { type AmqpConnection, loadClient } from './client.ts'
import { invalid, type RabbitmqTarget } from './options.ts'
import { rabbitmqError, replyCodeOf, replyTextOf } from './rabbitmqErrors.ts'

/** How long a server may take to accept a connection and to say who it is. */
const connectMsMax = 10_000

export interface Connected {
  readonly client: AmqpConnection
  readonly address: Address
  /** Ends the socket at once, whatever is on its way. */
  destroy(): void
}

/**
 * One connection to the first node that takes it, tried in an order of chance so that clients spread
 * over a cluster. @throws CONNECT_FAILED, LOGIN_REFUSED, CLIENT_MISSING, INVALID_CONFIG, …
 */
export async function connect(
  target: RabbitmqTarget,
  role: string,
  signal: AbortSignal,
): Promise<Connected> {
  const tls = await readTls(target.tls, invalid)
  let first: NarrowcastError | null = null
  for (const address of shuffled(target.addresses)) {
    signal.throwIfAborted()
    try {
      return await connectTo(address, target, { tls, role }, signal)
    } catch (error) {
      const known = connectError(error, address, target)
      if (!known.retryable) throw known
      first ??= known
    }
  }
  throw first ?? rabbitmqError('CONNECT_FAILED', 'connect', 'the URL names no host')
}

async function connectTo(
  address: Address,
  { username, password, vhost, heartbeatS }: RabbitmqTarget,
  { tls, role }: { tls: Record<string, Buffer> | null; role: string },
  signal: AbortSignal,
): Promise<Connected> {
  const amqp = await loadClient()
  const socket = new AbortController()
  const end = () => socket.abort()
  const over = AbortSignal.any([signal, AbortSignal.timeout(connectMsMax)])
  over.addEventListener('abort', end)
  try {
    const client = await amqp.connect(
      {
        ...{
          protocol: tls === null ? 'amqp' : 'amqps',
          hostname: address.host,
          port: address.port,
        },
        ...{ username, password, vhost: encodeURIComponent(vhost), heartbeat: heartbeatS },
      },
      {
        ...tls,
        // The client shows nobody its socket, but hands this on to it.
        signal: socket.signal,
        noDelay: true,
        keepAlive: true,
        clientProperties: { connection_name: `narrowcast ${role} ${process.pid}` },
      },
    )
    client.on('error', () => {}) // `close` says the same, and more of it
    return { client, address, destroy: end }
  } catch (error) {
    end()
    if (!signal.aborted && over.aborted) throw new Error(`no answer in ${connectMsMax} ms`)
    throw error
  } finally {
    over.removeEventListener('abort', end)
  }
}

function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one) => [Math.random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)
}

function connectError(
  error: unknown,
  { host, port }: Address,
  { vhost, username }: RabbitmqTarget,
): NarrowcastError {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const text = replyTextOf(error)
  const told = (
    code: 'CONNECT_FAILED' | 'LOGIN_REFUSED' | 'NOT_FOUND',
    what: string,
    hint: string,
  ) => rabbitmqError(code, 'connect', `${place}: ${what}`, { cause: error, hint })
  if (/^ACCESS_REFUSED|403 \(ACCESS-REFUSED\)/.test(text)) {
    return told('LOGIN_REFUSED', `user ${username} is refused`, loginHint(username))
  }
  if (/vhost .* not found/.test(text)) {
    return told('NOT_FOUND', `there is no vhost ${JSON.stringify(vhost)}`, vhostHint(vhost))
  }
  if (/access to vhost .* refused/.test(text)) {
    const what = `user ${username} may not use the vhost ${JSON.stringify(vhost)}`
    return told(
      'LOGIN_REFUSED',
      what,
      `Allow it: rabbitmqctl set_permissions -p ${vhost} ${username} '.*' '.*' '.*'`,
    )
  }
  if (replyCodeOf(error) !== null) return told('CONNECT_FAILED', text, startHint)
  return told('CONNECT_FAILED', text, startHint)
}

const startHint = 'Is RabbitMQ running there, and is this its AMQP port (5672, with TLS 5671)?'

function loginHint(username: string): string {
  return username === 'guest'
    ? 'RabbitMQ takes guest from its own machine only: make a user, and name it in the URL.'
    : 'Check user and password of the URL.'
}

function vhostHint(vhost: string): string {
  return `Make it: rabbitmqctl add_vhost ${vhost}\nThe default one is / and is left out in a URL.`
}
