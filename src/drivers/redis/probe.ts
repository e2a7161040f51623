import type { BrokerInfo } from '../../core/driver.ts'
import type { Servers } from './servers.ts'

/** What was asked of the server when the session opened. */
export interface Probed {
  readonly info: BrokerInfo
}

export async function probe(servers: Servers): Promise<Probed> {
  const [primary] = await servers.primaries()
  const text = (await primary?.send<string>(['INFO', 'server'], 'probe')) ?? ''
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1] ?? null
  const version = field('valkey_version') ?? field('redis_version') ?? 'unknown'
  const product = field('valkey_version') === null ? 'redis' : 'valkey'
  return { info: { product, version, settings: {}, warnings: [] } }
}
