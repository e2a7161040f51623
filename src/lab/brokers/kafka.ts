import { randomBytes } from 'node:crypto'
import { expectKafkaProgram } from './kafkaProgram.ts'
import { type KafkaServer, serveKafka } from './kafkaServer.ts'
import type { KafkaSettings } from './kafkaSettings.ts'
import { onFreePort } from './onFreePort.ts'

export interface KafkaOptions {
  /** Further lines of server.properties: `['num.partitions=3']`. They win over those given here. */
  readonly config?: readonly string[]
  /** How clients connect. @default 'PLAINTEXT' */
  readonly protocol?: NonNullable<KafkaSettings['protocol']>
  /** `HOST:PORT` that it tells clients: of a proxy before it. @default its own */
  readonly advertised?: string
  /** Names and passwords for SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly users?: Readonly<Record<string, string>>
}

/** 16 bytes, as Kafka writes them. */
export const newClusterId = () => randomBytes(16).toString('base64url')

/**
 * Starts the Kafka of this machine as broker and controller in one, with folder and free ports of its
 * own, and resolves when clients can connect: after some seconds. Several may run at once.
 *
 * @throws UNAVAILABLE where there is no such program.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const program = await expectKafkaProgram()
  const { config = [], ...rest } = options
  return await onFreePort(async (port) => {
    const ports = { clients: port, nodes: port + 1, controller: port + 2 }
    const voters = [`1@127.0.0.1:${ports.controller}`]
    return await serveKafka(program, {
      ...{ id: 1, ports, voters, config, clusterId: newClusterId() },
      ...rest,
    })
  })
}
