import type { Address } from '../_shared/serverPlace.ts'
import { placeOf } from './connectClient.ts'
import { redisError } from './redisErrors.ts'

/** What a server says of itself. */
export interface ServerFacts {
  readonly product: 'redis' | 'valkey'
  readonly version: string
  readonly mode: 'standalone' | 'cluster' | 'sentinel'
  /** New at every start of the server: another one has not all that was told to this one. */
  readonly runId: string
  /** Of a replica: whose. */
  readonly replicaOf: Address | null
  /** A line of `INFO` by its name; null: this server does not have it. */
  field(name: string): string | null
}

/** The sections of `INFO` that are asked for. */
export const infoSections = ['server', 'replication', 'persistence', 'memory'] as const

export function factsOf(info: string): ServerFacts {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null
  const valkey = field('valkey_version')
  const mode = field('server_mode') ?? field('redis_mode')
  return {
    product: valkey === null ? 'redis' : 'valkey',
    version: valkey ?? field('redis_version') ?? 'unknown',
    mode: mode === 'cluster' || mode === 'sentinel' ? mode : 'standalone',
    runId: field('run_id') ?? '',
    replicaOf:
      field('role') === 'slave'
        ? { host: field('master_host') ?? '?', port: Number(field('master_port')) }
        : null,
    field,
  }
}

/** @throws UNAVAILABLE for a replica: it takes no writes. */
export function checkPrimary(address: Address, { replicaOf, mode }: ServerFacts): void {
  if (replicaOf === null) return
  const primary = placeOf(replicaOf)
  const hint =
    mode === 'cluster'
      ? 'The nodes of the cluster are choosing a primary; it is tried again.'
      : `Use the primary, ${primary}, or have it found by the Sentinels: redis://HOST:26379?sentinel=NAME.`
  throw redisError(
    'UNAVAILABLE',
    'connect',
    `${placeOf(address)} is a replica of ${primary}, and takes no writes`,
    { hint },
  )
}
