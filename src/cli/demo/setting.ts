import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { type BrokerUrl, parseBrokerUrl, parseDurationMs } from '../../core/url.ts'
import type { Bus } from '../../runtime/api.ts'

/** The store of a run, and how long a worker owns what it holds. */
export interface Setting {
  /** For every process. */
  readonly url: string
  readonly leaseMs: number
}

const leaseDefault = '5s'

/**
 * Refuses a store that cannot serve, before anything is made.
 * @throws UNSUPPORTED for memory:, which the worker processes could not reach.
 */
export function checkUrl(given: string): void {
  if (parseBrokerUrl(given).scheme !== 'memory') return
  throw new NarrowcastError('UNSUPPORTED', 'demo: memory: cannot be reached by worker processes', {
    hint: 'Leave --url away, or name a store that processes share.',
  })
}

/** The URL of a run: a store in its own folder, or the one given, with a lease to watch. */
export function settingOf(given: string | null, dir: string): Setting {
  const path = encodeURI(join(dir, 'store')).replace(/[?#]/g, encodeURIComponent)
  const url = parseBrokerUrl(given ?? `file:${path}`)
  const lease = url.options.get('lease') ?? leaseDefault
  return { url: withLease(url, lease), leaseMs: parseDurationMs('URL option lease', lease) }
}

function withLease(url: BrokerUrl, lease: string): string {
  if (url.options.has('lease')) return url.text
  return `${url.text}${url.text.includes('?') ? '&' : '?'}lease=${lease}`
}

/**
 * What the demo promises must be in the contract, and the channel must be its own.
 * @throws UNSUPPORTED, CONFLICT
 */
export async function checkBackend(bus: Bus, channel: string, signal: AbortSignal): Promise<void> {
  const contract = bus.contracts.queue
  if (contract?.delivery !== 'at-least-once' || contract.survives['worker-crash'] !== 'yes') {
    throw new NarrowcastError(
      'UNSUPPORTED',
      `demo: the queue of ${bus.driver} does not promise that a message outlives its worker`,
      { driver: bus.driver, hint: 'narrowcast contract lists what each backend promises.' },
    )
  }
  if (contract.depth === 'no') return
  const [depth] = await bus.admin.depths([{ name: channel, pattern: 'queue' }], signal)
  const counts = depth ? [depth.waiting, depth.inFlight, depth.scheduled, depth.dead] : []
  if (counts.every((count) => count === 0 || count === 'unknown')) return
  throw new NarrowcastError('CONFLICT', `demo: ${channel} holds messages of somebody else`, {
    channel,
    hint: 'The demo counts every message, so it needs an empty channel: use another store.',
  })
}
