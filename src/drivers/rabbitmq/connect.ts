import type { NarrowcastError } from '../../core/errors.ts'
import { withOpenedSocket } from '../_shared/openedSocket.ts'
import type { Address } from '../_shared/serverPlace.ts'
import { readTls } from '../_shared/tlsFiles.ts'
import { type Amqp, type AmqpConnection, loadClient } from './client.ts'
import { connectError } from './connectError.ts'
import { invalid, type RabbitmqTarget } from './options.ts'
import { type Overheard, overhear } from './overheard.ts'
import { rabbitmqError } from './rabbitmqErrors.ts'

/** How long a server may take to accept a connection and to say who it is. */
const connectMsMax = 10_000
/** Beside others: one that is silent may not use up the time in which the next would have answered. */
const connectMsLeast = 2_000

export interface Connected {
  readonly client: AmqpConnection
  readonly address: Address
  /** Ends the socket at once, whatever is on its way. */
  destroy(): void
}

type Wanted = Omit<RabbitmqTarget, 'tls'> & {
  /** Of `node:tls`; null: plain TCP. */
  readonly tls: Readonly<Record<string, Buffer>> | null
  readonly role: string
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
  const amqp = await loadClient()
  const tls = await readTls(target.tls, invalid)
  const { addresses } = target
  const msMax = Math.max(connectMsLeast, Math.floor(connectMsMax / addresses.length))
  let first: NarrowcastError | null = null
  for (const address of shuffled(addresses)) {
    signal.throwIfAborted()
    const told: Overheard = { isAccepted: false, protocol: null, refusal: null }
    const over = AbortSignal.any([signal, AbortSignal.timeout(msMax)])
    try {
      return await connectTo(amqp, address, { ...target, tls, role }, told, over)
    } catch (error) {
      const known = connectError(error, { address, target, told, isOver: over.aborted })
      if (!known.retryable) throw known
      first ??= known
    }
  }
  throw first ?? rabbitmqError('CONNECT_FAILED', 'connect', 'the URL names no host')
}

async function connectTo(
  amqp: Amqp,
  address: Address,
  { username, password, vhost, heartbeatS, tls, role }: Wanted,
  told: Overheard,
  over: AbortSignal,
): Promise<Connected> {
  const socket = new AbortController()
  const end = () => socket.abort()
  let stop: (() => void) | null = null
  over.addEventListener('abort', end)
  try {
    const connecting = () =>
      amqp.connect(
        {
          protocol: tls === null ? 'amqp' : 'amqps',
          ...{ hostname: address.host, port: address.port, username, password },
          ...{ vhost: encodeURIComponent(vhost), heartbeat: heartbeatS },
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
    const client = await withOpenedSocket(connecting, (opened) => {
      stop ??= overhear(opened, told)
    })
    client.on('error', () => {}) // `close` says the same, and more of it
    return { client, address, destroy: end }
  } catch (error) {
    end()
    throw error
  } finally {
    over.removeEventListener('abort', end)
    ;(stop as (() => void) | null)?.()
  }
}

function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one) => [Math.random(), one] as const)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one)
}
