import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname } from 'node:path'
import { connect } from '../../connect.ts'
import type { BrokerInfo } from '../../core/driver.ts'
import { filePragmas } from './filePragmas.ts'
import { kafkaConfig } from './kafkaConfig.ts'
import { redisConfig } from './redisConfig.ts'
import { type Config, configSha256, withoutSecrets } from './withoutSecrets.ts'

/** What a report says of a broker. No secret, host or path is in it. */
export interface BrokerFacts {
  /** `redis`, `valkey`, `rabbitmq`, `Kafka`, `file`, `memory` */
  readonly product: string
  /** Of the server; of SQLite where the store is a file. */
  readonly version: string
  /** The package that talks to it: `@redis/client 6.3.1`; null: none is needed. */
  readonly client: string | null
  /** All settings in force; null where the server does not tell them. */
  readonly config: Config | null
  /** Equal for equal settings, whatever the port and the folder; null without `config`. */
  readonly configSha256: string | null
}

const withinMs = 10_000

const clients: Readonly<Record<string, string>> = {
  ...{ redis: '@redis/client', rabbitmq: 'amqplib', kafka: '@platformatic/kafka' },
}

/**
 * `ownConfig`: all settings of a server that tells them to nobody but who has started it.
 * @throws what `connect` throws: CONNECT_FAILED, LOGIN_REFUSED, STORE_UNUSABLE, INVALID_CONFIG, …
 */
export async function brokerFacts(
  url: string,
  ownConfig?: () => Promise<Config>,
): Promise<BrokerFacts> {
  await using bus = await connect(url, { telemetry: false })
  const { product, version, settings } = bus.info
  const found = await (ownConfig?.() ?? configOf(bus.driver, url, bus.info))
  const client = clients[bus.driver]
  const config = found && withoutSecrets(found)
  return {
    product,
    version: settings.sqlite ?? version,
    client: client === undefined ? null : clientVersion(client),
    config,
    configSha256: config && configSha256(config),
  }
}

async function configOf(
  driver: string,
  url: string,
  { settings }: BrokerInfo,
): Promise<Config | null> {
  const signal = AbortSignal.timeout(withinMs)
  if (driver === 'redis') return await redisConfig(url, signal)
  if (driver === 'kafka') return await kafkaConfig(url, signal)
  if (driver === 'rabbitmq') return null // AMQP tells no client
  const { path, ...others } = settings
  if (path === undefined) return settings
  return { ...others, ...(await filePragmas(dirname(path), signal)) }
}

/** Its name alone where it does not say. */
function clientVersion(name: string): string {
  try {
    const path = findPackageJSON(name, import.meta.url) ?? ''
    return `${name} ${(JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version}`
  } catch {
    return name
  }
}
