import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { NarrowcastError } from './core/errors.ts'
import { uuid } from './core/ids.ts'
import { parseBrokerUrl } from './core/url.ts'
import type { Bus } from './runtime/api.ts'
import { type PinoWorkerOptions, pinoWorker } from './transports/pino/pinoWorker.ts'
import { router } from './transports/routes.ts'
import { type PinoTransport, type ThreadStream, threadHost } from './transports/pino/threadHost.ts'

export { flushOnExit } from './transports/flushOnExit.ts'
export {
  type PinoDestination,
  type PinoDestinationOptions,
  pinoDestination,
} from './transports/pino/pinoDestination.ts'
export type { Route } from './transports/routes.ts'
export type { DropReason, SenderStats } from './transports/sender/accounts.ts'
export type { SpoolOptions } from './transports/sender/spool.ts'
export type { PinoTransport, TransportStats } from './transports/pino/threadHost.ts'

export interface PinoTransportOptions extends Omit<PinoWorkerOptions, 'spool'> {
  /** @default 'file:./.narrowcast/store' */
  url?: string
  /** For routes with `keep`. @default a folder of this URL in .narrowcast/spool, 256 MiB */
  spool?: Partial<PinoWorkerOptions['spool']>
}

/**
 * A destination for `pino(…)`: a worker thread with a connection of its own sends each record to
 * the channel that `routes`, or the record's field `channel`, names. Logging never waits for the
 * broker and never fails: without room the oldest records are dropped, counted and told on stderr;
 * those of a route with `keep` are spilled to disk and sent later, also by the next start. A kill -9
 * loses what has not reached the thread; `pinoDestination` can do without that.
 * Where nothing can be sent at all, records go to stderr as JSON lines.
 * @throws INVALID_ARGUMENT for a wrong route; nothing else, also not for a wrong URL.
 */
export function createPinoTransport(options: PinoTransportOptions = {}): PinoTransport {
  router(options)
  // Loaded here, not above: the worker thread loads this file too and has no use for pino.
  const { transport } = createRequire(import.meta.url)('pino') as typeof import('pino')
  const target = fileURLToPath(import.meta.url)
  return threadHost(() => transport({ target, options }) as unknown as ThreadStream)
}

/** For pino's option `mixin`: gives each record an id at the call, in the field `mid`. */
export function mid(): () => { mid: string } {
  return () => ({ mid: uuid() })
}

/** The worker's body, called by pino, also as `{ target: 'narrowcast/pino', options }`. */
export default function worker(options: PinoTransportOptions = {}): Writable {
  const { url = 'file:./.narrowcast/store', spool, ...rest } = options
  const place = createHash('sha256').update(url).digest('hex').slice(0, 12)
  const dir = spool?.dir ?? `.narrowcast/spool/${place}`
  return pinoWorker({ ...rest, spool: { ...spool, dir } }, () => connectFromThread(url))
}

async function connectFromThread(url: string): Promise<Bus> {
  if (parseBrokerUrl(url).scheme === 'memory') {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      'memory: lives in one thread, so the log worker thread cannot reach it',
      { hint: 'Use pinoDestination(channel), which logs without a worker thread.' },
    )
  }
  const { connect } = await import('./connect.ts')
  return connect(url)
}
