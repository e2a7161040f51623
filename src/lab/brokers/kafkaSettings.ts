import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where one node lives: what is its own, so that several run on one machine. */
export interface KafkaPlace {
  /** Absolute path of its folder. */
  readonly folder: string
  /** 1 and up. */
  readonly id: number
  readonly ports: KafkaPorts
}

export interface KafkaPorts {
  readonly clients: number
  /** Where nodes talk to each other, whatever clients have to show. */
  readonly nodes: number
  /** Where the nodes agree on who leads what. */
  readonly controller: number
}

export interface KafkaSettings {
  /** `1@127.0.0.1:9093`: every node that votes. */
  readonly voters: readonly string[]
  /** How clients connect. @default 'PLAINTEXT' */
  readonly protocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** What it tells clients that its address is. @default that of its port for clients */
  readonly advertised?: string
  /** Further lines of server.properties; they win. */
  readonly config: readonly string[]
}

/** Java reads the last of two lines with one key. */
export function propertiesOf(
  { folder, id, ports }: KafkaPlace,
  { voters, protocol = 'PLAINTEXT', advertised, config }: KafkaSettings,
): string {
  const copies = Math.min(3, voters.length)
  const majority = Math.floor(copies / 2) + 1
  const clients = `127.0.0.1:${ports.clients}`
  const nodes = `NODES://127.0.0.1:${ports.nodes}`
  return [
    'process.roles=broker,controller',
    `node.id=${id}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=CLIENTS://${clients},${nodes},CONTROLLER://127.0.0.1:${ports.controller}`,
    `advertised.listeners=CLIENTS://${advertised ?? clients},${nodes}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=NODES',
    `listener.security.protocol.map=CLIENTS:${protocol},NODES:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    `log.dirs=${join(folder, 'data')}`,
    `default.replication.factor=${copies}`,
    `min.insync.replicas=${majority}`,
    `offsets.topic.replication.factor=${copies}`,
    'offsets.topic.num.partitions=4',
    `transaction.state.log.replication.factor=${copies}`,
    `transaction.state.log.min.isr=${majority}`,
    'transaction.state.log.num.partitions=1',
    `share.coordinator.state.topic.replication.factor=${copies}`,
    `share.coordinator.state.topic.min.isr=${majority}`,
    'share.coordinator.state.topic.num.partitions=1',
    // A group begins with its first member, not 3 s later.
    'group.initial.rebalance.delay.ms=0',
    // A member that is killed is noticed soon.
    'group.min.session.timeout.ms=1000',
    // A topic that somebody asks for by mistake is not made by that.
    'auto.create.topics.enable=false',
    // The machine is shared with other nodes and with those who test them.
    'num.network.threads=2',
    'num.io.threads=2',
    'num.replica.fetchers=1',
    'log.cleaner.dedupe.buffer.size=2097152',
    'broker.session.timeout.ms=6000',
    ...config,
    '',
  ].join('\n')
}

/** What a server prints is read, of a tool only what it is asked for. */
const logging = (level: 'INFO' | 'ERROR', target: 'SYSTEM_OUT' | 'SYSTEM_ERR') => `
rootLogger.level=${level}
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.target=${target}
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
`

/** The files of a node, and of the tools that run in its folder. */
export async function writeKafkaSettings(
  place: KafkaPlace,
  settings: KafkaSettings,
): Promise<void> {
  const write = async (name: string, text: string) =>
    await writeFile(join(place.folder, name), text.trimStart(), { mode: 0o600 })
  await write('server.properties', propertiesOf(place, settings))
  await write('server.log.properties', logging('INFO', 'SYSTEM_OUT'))
  await write('tool.log.properties', logging('ERROR', 'SYSTEM_ERR'))
}
