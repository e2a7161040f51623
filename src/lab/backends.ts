import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
import { contracts as ofKafka } from '../drivers/kafka/contract.ts'
import { contracts as ofRabbitmq } from '../drivers/rabbitmq/contract.ts'
import { startKafka } from './brokers/kafka.ts'
import { findKafkaProgram } from './brokers/kafkaProgram.ts'
import type { KafkaServer } from './brokers/kafkaServer.ts'
import { startRabbitmq } from './brokers/rabbitmq.ts'
import { findRabbitmqProgram } from './brokers/rabbitmqProgram.ts'
import type { RabbitmqServer } from './brokers/rabbitmqServer.ts'
import { type RedisProfile, startRedis } from './brokers/redis.ts'
import { findRedisProgram } from './brokers/redisProgram.ts'
import type { RedisServer } from './brokers/redisServer.ts'
import { rabbitmqConfig } from './instrument/rabbitmqConfig.ts'
import type { Config } from './instrument/withoutSecrets.ts'
import type { StagedBroker } from './run/stage.ts'

/** What experiments are made on: a backend, and the patterns and settings in which it can be had. */
export interface Backend {
  readonly name: string
  readonly patterns: readonly Pattern[]
  /**
   * default: as it ships. safe: the most it can promise. direct: narrowcast without a relay. naive:
   * by workers that are known to lose messages, so that the lab can be tested on them. small-buffer:
   * who reads too slowly is cut off soon.
   */
  readonly profiles: readonly string[]
  readonly defaultPattern: Pattern
  /** Its narrowcast has no relay: whoever publishes picks the worker. */
  readonly isDirect?: true
  /** Starts one of the lab's own. `folder`: for what it stores. @throws UNAVAILABLE */
  readonly start: (profile: string, folder: string) => Promise<OwnBroker>
}

export interface OwnBroker extends AsyncDisposable {
  readonly url: string
  /** `embedded`, `on the PATH` */
  readonly how: string
  /** Null where it runs inside the actors, and ends with them. */
  readonly staged: StagedBroker | null
  /** All settings in force, secrets among them, where no client is told. */
  readonly config?: () => Promise<Config>
}

const redisProfiles: Readonly<Record<string, RedisProfile>> = {
  default: 'default',
  everysec: 'everysec',
  safe: 'always',
}

/** Redis ships with 32 MB, or 8 MB for a minute. */
const smallBuffer = ['--client-output-buffer-limit', 'pubsub', '256kb', '256kb', '0']

const patterns = ['broadcast', 'narrowcast', 'queue', 'stream'] as const

/**
 * What a worker has is its own as long as its connection, and a silent one ends after two to three
 * heartbeats. As leases are two seconds in experiments, so is that: with the 10 s of its default those
 * who stand still for three leases would lose nothing.
 */
const rabbitmqHeartbeat = '?heartbeat=1s'
/** As the leases of experiments: a worker that stands still for longer is none. */
const kafkaSession = '?session=2s'

/** By name. */
export const backends: readonly Backend[] = [
  {
    name: 'memory',
    patterns: ['broadcast', 'narrowcast', 'queue', 'stream'],
    profiles: ['default', 'direct'],
    defaultPattern: 'queue',
    start: async () => embedded('memory:'),
  },
  {
    name: 'file',
    patterns: ['broadcast', 'narrowcast', 'queue', 'stream'],
    profiles: ['default', 'safe', 'direct'],
    defaultPattern: 'queue',
    async start(profile, folder) {
      const store = join(folder, 'store')
      await mkdir(store, { recursive: true })
      return embedded(`file:${store}${profile === 'safe' ? '?sync=full' : ''}`)
    },
  },
  {
    name: 'redis-pubsub',
    patterns: ['broadcast', 'narrowcast'],
    profiles: ['default', 'direct', 'small-buffer'],
    defaultPattern: 'broadcast',
    start: (profile) => ownRedis('default', '', profile === 'small-buffer' ? smallBuffer : []),
  },
  {
    name: 'redis-list',
    patterns: ['queue'],
    profiles: [...Object.keys(redisProfiles), 'naive'],
    defaultPattern: 'queue',
    start: (profile) => ownRedis(profile, ''),
  },
  {
    name: 'redis-stream',
    patterns: ['queue', 'stream'],
    profiles: Object.keys(redisProfiles),
    defaultPattern: 'queue',
    start: (profile) => ownRedis(profile, '?queue=stream'),
  },
  {
    name: 'rabbitmq',
    patterns: patterns.filter((pattern) => pattern in ofRabbitmq),
    profiles: ['default', 'naive'],
    defaultPattern: 'queue',
    isDirect: true,
    start: ownRabbitmq,
  },
  {
    name: 'kafka',
    patterns: patterns.filter((pattern) => pattern in ofKafka),
    profiles: ['default', 'naive'],
    defaultPattern: 'queue',
    start: ownKafka,
  },
]

function embedded(url: string): OwnBroker {
  return { url, how: 'embedded', staged: null, [Symbol.asyncDispose]: async () => {} }
}

async function ownRedis(
  profile: string,
  options: string,
  args: readonly string[] = [],
): Promise<OwnBroker> {
  if ((await findRedisProgram()) === null) {
    throw missing(
      'redis-server',
      'Install Redis 7.0 or newer, or name one that runs: -u redis://HOST:PORT',
    )
  }
  const server = await startRedis({ profile: redisProfiles[profile] ?? 'default', args })
  return ownServer(server, options)
}

async function ownRabbitmq(): Promise<OwnBroker> {
  if ((await findRabbitmqProgram()) === null) {
    throw missing(
      'rabbitmq-server',
      'Install RabbitMQ 3.10 or newer, or name one that runs: -u amqp://HOST:PORT',
    )
  }
  const server = await startRabbitmq()
  const config = async () => rabbitmqConfig(await server.ctl('environment', '--formatter', 'json'))
  return { ...ownServer(server, rabbitmqHeartbeat), config }
}

async function ownKafka(): Promise<OwnBroker> {
  if ((await findKafkaProgram()) === null) {
    throw missing(
      'kafka-server-start.sh',
      'Install Kafka 3.7 or newer and Java 17 or newer, or name one that runs: -u kafka://HOST:PORT',
    )
  }
  return ownServer(await startKafka(), kafkaSession)
}

function missing(program: string, hint: string): NarrowcastError {
  return new NarrowcastError('UNAVAILABLE', `lab: no ${program} is on the PATH`, {
    operation: 'start a broker',
    hint,
  })
}

function ownServer(server: RedisServer | RabbitmqServer | KafkaServer, options: string): OwnBroker {
  return {
    url: `${server.url}${options}`,
    how: server.how,
    staged: {
      get pid() {
        return server.pid
      },
      stop: () => server.terminate(),
      crash: () => server.kill(),
      start: () => server.restart(),
      freeze: () => void process.kill(server.pid, 'SIGSTOP'),
      thaw: () => void process.kill(server.pid, 'SIGCONT'),
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}
