import type { Driver } from '../../core/driver.ts'
import type { BrokerUrl } from '../../core/url.ts'
import { readTls } from '../_shared/tlsFiles.ts'
import { contractsOf, type RedisContracts } from './contract.ts'
import { fullWarnings } from './fullWarnings.ts'
import { catalogKey } from './keys.ts'
import { KnownServers } from './knownServers.ts'
import {
  invalid,
  type RedisOptions,
  type RedisTarget,
  targetOf,
  targetOfOptions,
} from './options.ts'
import { probe } from './probe.ts'
import { openServers } from './servers.ts'
import { RedisSession } from './session.ts'

export { contracts } from './contract.ts'
export type { RedisOptions } from './options.ts'

/**
 * Redis 7.0 and newer, or Valkey 8 and newer: Pub/Sub for the live patterns, lists or streams for
 * queues, streams for streams. Needs the package `@redis/client`.
 * @throws INVALID_CONFIG for a wrong option.
 */
export function redis(options: RedisOptions): Driver<RedisContracts> {
  return driverOf(targetOfOptions(options))
}

/** `redis://user:password@host:port/database?queue=list|stream`. @throws INVALID_CONFIG */
export function fromUrl(url: BrokerUrl): Driver<RedisContracts> {
  return driverOf(targetOf(url))
}

function driverOf({ queues, tls, ...target }: RedisTarget): Driver<RedisContracts> {
  const known = new KnownServers()
  return {
    name: 'redis',
    contracts: contractsOf(queues),
    async open(on, signal) {
      let isOpen = false
      const ended = (error: Parameters<typeof on.closed>[0]) => {
        if (isOpen) on.closed(error)
      }
      const options = { ...target, tls: await readTls(tls, invalid) }
      const servers = await openServers(options, ended, signal)
      try {
        const home = servers.home(catalogKey)
        const [probed, full] = await Promise.all([probe(home), fullWarnings(servers)])
        home.ended.throwIfAborted() // lost meanwhile: nobody was told, for nobody had it yet
        const warnings = [...probed.info.warnings, ...full]
        const session = new RedisSession({
          ...{ servers, queues, known },
          probed: { ...probed, info: { ...probed.info, warnings } },
        })
        isOpen = true
        return session
      } catch (error) {
        servers.close()
        throw error
      }
    },
  }
}
