import { randomUUID } from 'node:crypto'
import { type RabbitmqServer, serveRabbitmq } from './rabbitmqServer.ts'

export interface RabbitmqOptions {
  /** Further lines of rabbitmq.conf: `['consumer_timeout = 10000']`. They win over those given here. */
  readonly config?: readonly string[]
  /** As after an update from an older version, where the others are off. @default all that it has */
  readonly featureFlags?: readonly string[]
}

/**
 * Starts the RabbitMQ of this machine as a node with folder, name, cookie and free ports of its own
 * and with the management plugin, and resolves when clients can connect: after some seconds. Several
 * may run at once.
 *
 * @throws UNAVAILABLE where there is no such program.
 */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  const { config = [], featureFlags } = options
  const flags = featureFlags === undefined ? {} : { featureFlags }
  return await serveRabbitmq({ name: 'rabbit1', cookie: randomUUID(), config, ...flags })
}
