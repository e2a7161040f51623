import { findKafkaProgram } from '../../lab/brokers/kafkaProgram.ts'
import { findRabbitmqProgram } from '../../lab/brokers/rabbitmqProgram.ts'
import { findRedisProgram } from '../../lab/brokers/redisProgram.ts'
import { whyNoNamespace } from '../../lab/run/networkNamespace.ts'
import type { Run } from '../invocation.ts'
import type { Column } from '../output/table.ts'

interface Mechanism {
  readonly fault: string
  /** What is done, and to whom. */
  readonly how: string
  /** Why it cannot be done here; null: it can. */
  readonly missing: string | null
  /** Where it can be done, it can on these alone; null: everywhere but in memory. */
  readonly only: string | null
}

/** `lab ls --faults`: what can be broken on this machine, and what cannot. */
export const lsFaults: Run = async ({ output }) => {
  const started = [
    ...((await findRedisProgram()) === null ? [] : ['Redis']),
    ...((await findRabbitmqProgram()) === null ? [] : ['RabbitMQ']),
    ...((await findKafkaProgram()) === null ? [] : ['Kafka']),
  ]
  const rows = mechanisms(started, await whyNoNamespace())
  await output.list({ type: 'lab.faults', columns, rows })
}

/** `started`: servers that the lab can start here. */
function mechanisms(started: readonly string[], noNamespace: string | null): Mechanism[] {
  const noSignals = process.platform === 'win32' ? 'Windows has no such signals' : null
  const servers = listed(started)
  const isNone = started.length === 0
  const noServer = isNone ? 'no Redis, RabbitMQ or Kafka is installed here' : null
  const ofBroker = isNone ? `file: ${noServer}` : `file, and ${servers} where the lab starts it`
  const onServers = isNone
    ? 'Redis, RabbitMQ or Kafka, given by its URL'
    : 'Redis, RabbitMQ and Kafka'
  return [
    { fault: 'kill', how: 'SIGKILL any process', missing: null, only: null },
    { fault: 'stop', how: 'SIGSTOP, later SIGCONT', missing: noSignals, only: null },
    { fault: 'block', how: 'block an event loop', missing: null, only: null },
    { fault: 'churn', how: 'workers leave and come', missing: null, only: null },
    { fault: 'broker-stop', how: 'SIGTERM the broker', missing: null, only: ofBroker },
    { fault: 'broker-crash', how: 'SIGKILL the broker', missing: null, only: ofBroker },
    {
      ...{ fault: 'broker-freeze', how: 'SIGSTOP the broker, later SIGCONT' },
      missing: noSignals ?? noServer,
      only: `${servers} where the lab starts it`,
    },
    {
      ...{ fault: 'network', how: 'hold connections in a proxy', missing: null },
      only: onServers,
    },
    {
      ...{ fault: 'cut-wire', how: 'cut a network namespace off', missing: noNamespace },
      only: `${onServers}, with --net namespace`,
    },
    {
      ...{ fault: 'power-loss', how: 'forget unsynced writes', only: null },
      missing: 'no file system here forgets them: it is not tested',
    },
  ]
}

const listed = (names: readonly string[]) =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

const columns: readonly Column<Mechanism>[] = [
  { name: 'fault', value: ({ fault }) => fault },
  {
    ...{ name: 'works', value: ({ missing }) => missing === null },
    text: ({ missing }) => (missing === null ? 'yes' : 'no'),
  },
  { name: 'how', value: ({ how }) => how, goes: 1 },
  {
    ...{ name: 'where', wraps: true, widthMin: 16 },
    value: ({ missing, only }) => missing ?? only ?? 'every backend but memory',
  },
]
