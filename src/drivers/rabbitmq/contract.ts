import type { Contract } from '../../core/contract.ts'
import type { Pattern } from '../../core/message.ts'

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
  dedupe: { publishWindowMsMax: null, consume: 'no' },
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

/** The most it claims. */
export const contracts = { queue, stream } as const
export type RabbitmqContracts = typeof contracts

/** What a user does about a no. */
export const advice = {
  peek: 'A quorum queue counts each look as a delivery in vain, so that workers took what was looked at for suspects.',
} as const

/**
 * With the heartbeat of this connection: the broker looks once in that time, and ends it when nothing
 * came between three looks.
 */
export function contractOf(pattern: Pattern, heartbeatS: number): Contract {
  const most = pattern === 'stream' ? stream : queue
  return { ...most, redelivery: { how: 'on-release', withinMs: (3 * heartbeatS + 1) * 1_000 } }
}
