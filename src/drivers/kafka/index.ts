import type { Driver } from '../../core/driver.ts'
import type { BrokerUrl } from '../../core/url.ts'
import { Cluster } from './cluster/cluster.ts'
import { advice, contracts, type KafkaContracts } from './contract.ts'
import { Places } from './live/places.ts'
import { type KafkaOptions, type KafkaTarget, targetOf, targetOfOptions } from './options.ts'
import { KafkaSession } from './session.ts'

export { contracts } from './contract.ts'
export type { KafkaOptions } from './options.ts'

/**
 * Kafka 3.7 and newer. Needs the package `@platformatic/kafka`.
 * @throws INVALID_CONFIG for a wrong option.
 */
export function kafka(options: KafkaOptions): Driver<KafkaContracts> {
  return driverOf(targetOfOptions(options))
}

/** `kafka://user:password@host:port,host:port`. @throws INVALID_CONFIG */
export function fromUrl(url: BrokerUrl): Driver<KafkaContracts> {
  return driverOf(targetOf(url))
}

function driverOf(target: KafkaTarget): Driver<KafkaContracts> {
  let serials = 0
  const places = new Places()
  return {
    name: 'kafka',
    contracts,
    advice,
    async open(on, signal) {
      const cluster = await Cluster.open(target, signal)
      const { features } = await cluster.control()
      const level = features.find(({ name }) => name === 'metadata.version')?.maxVersionLevel
      const info = {
        product: 'Kafka',
        version: level === undefined ? 'unknown' : `metadata.version ${level}`,
        settings: { cluster_id: cluster.id, nodes: String(cluster.nodes.size) },
        warnings: [],
        unknown: [],
      }
      const session = new KafkaSession(cluster, info, { places, nextSerial: () => ++serials })
      const tell = () => {
        if (!session.isClosing) on.closed(cluster.ended.reason)
      }
      if (cluster.ended.aborted) tell()
      else cluster.ended.addEventListener('abort', tell)
      return session
    },
  }
}
