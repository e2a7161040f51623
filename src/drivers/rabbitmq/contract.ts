import type { Contract } from '../../core/contract.ts'
import { isLive, type Pattern } from '../../core/message.ts'
import { keptNowhere } from '../_shared/keptNowhere.ts'

/** RabbitMQ 4 takes no larger message unless told to. */
export const payloadBytesMax = 16 * 1024 * 1024
/** The last step of the ladder. */
export const delayMsMax = 86_400_000

const queue = {
  delivery: 'at-least-once',
  stored: { in: 'disk', copies: 'unknown' },
  survives: {
    'worker-crash': 'yes',
    'broker-restart': 'yes',
    'broker-crash': 'yes',
    'node-loss': 'unknown',
    'power-loss': 'yes',
  },
  settle: 'sent',
  fencing: 'connection',
  counts: { failures: 'exact', crashes: 'mixed' },
  release: 'copied',
  order: { scope: 'none', across: 'worker', afterRetry: 'lost' },
  keyOrder: 'no',
  redelivery: { how: 'on-release', withinMs: 31_000 },
  delay: { how: 'emulated', errorMs: 200, errorShare: 2, msMax: delayMsMax },
  dedupe: { publishWindowMsMax: null, consume: 'here' },
  positions: 'none',
  replay: false,
  retention: false,
  seek: false,
  pause: false,
  deadLetters: true,
  manage: 'named',
  peek: 'no',
  depth: 'estimate',
  watchdog: false,
  noReader: 'kept',
  receivers: 'no',
  resumes: false,
  tells: [],
  wakeMs: 5,
  payloadBytesMax,
  plainData: true,
  source: 'https://www.rabbitmq.com/docs/quorum-queues',
} as const satisfies Contract

const stream = {
  ...queue,
  delay: { how: 'no', errorMs: 0, errorShare: 0, msMax: 0 },
  replay: true,
  manage: false,
  source: 'https://www.rabbitmq.com/docs/streams',
} as const satisfies Contract

/** Handed to the queues of those who are there, which go with their connections. */
const broadcast = {
  ...queue,
  ...keptNowhere,
  stored: { in: 'nowhere', copies: 0 },
  order: { scope: 'publisher', condition: 'one connection', across: 'worker', afterRetry: 'lost' },
  manage: false,
  noReader: 'dropped-reported',
  receivers: 'whether-any',
  tells: ['no-worker', 'overflow'],
  source: 'https://www.rabbitmq.com/docs/publishers#unroutable',
} as const satisfies Contract

const narrowcast = {
  ...broadcast,
  noReader: 'refused',
  receivers: 'counted',
} as const satisfies Contract

/** The most it claims, where AMQP is all that is asked. */
export const contracts = { broadcast, narrowcast, queue, stream } as const
export type RabbitmqContracts = Omit<typeof contracts, 'queue'> & {
  readonly queue: Omit<typeof queue, 'manage' | 'survives'> & Pick<Contract, 'manage' | 'survives'>
}

/** The most it claims. The management plugin knows the names, and how many nodes store a queue. */
export function contractsOf(isManaged: boolean): RabbitmqContracts {
  if (!isManaged) return contracts
  const survives = { ...queue.survives, 'node-loss': 'yes' } as const
  return { ...contracts, queue: { ...queue, manage: true, survives } }
}

/** What a user does about a no. */
export function adviceOf(isManaged: boolean) {
  return isManaged ? { peek } : { peek, manage }
}

const manage =
  'AMQP has no list. Add the address of the management plugin to the URL: ?management=http://HOST:15672'
const peek =
  'A quorum queue counts each look as a delivery in vain: workers would take what was looked at for suspects.'

export interface Found {
  readonly heartbeatS: number
  readonly isManaged: boolean
  /** Nodes that store the channel; null: nobody tells. */
  readonly members: number | null
}

/**
 * The broker looks once in the time of a heartbeat, and ends a connection when nothing came between
 * three looks. What is stored is so on a majority.
 */
export function contractOf(pattern: Pattern, { heartbeatS, isManaged, members }: Found): Contract {
  if (isLive(pattern)) return contracts[pattern]
  const redelivery = { how: 'on-release', withinMs: (3 * heartbeatS + 1) * 1_000 } as const
  if (pattern === 'stream') return { ...stream, redelivery }
  const most = { ...contractsOf(isManaged).queue, redelivery }
  if (members === null) return { ...most, survives: queue.survives }
  return {
    ...most,
    stored: { in: 'disk', copies: Math.floor(members / 2) + 1 },
    survives: { ...queue.survives, 'node-loss': members >= 3 ? 'yes' : 'no' },
  }
}
