import type { ChannelSpec } from '../../core/channel.ts'
import { type Contract, type Contracts, contractRow } from '../../core/contract.ts'
import { isLive } from '../../core/message.ts'
import { keptNowhere } from '../_shared/keptNowhere.ts'
import type { EngineName } from './engine.ts'
import type { Keeping } from './keeping.ts'

/** Largest body that is taken. */
export const payloadBytesMax = 64 * 1024 * 1024
/** A server cuts off a listener that it owes 32 MB, one message or many, unless told otherwise. */
const livePayloadBytesMax = 8 * 1024 * 1024

/** Scripts of our own decide who owns what, so a list and a stream promise nearly the same. */
const list = {
  delivery: 'at-least-once',
  stored: { in: 'disk', copies: 1 },
  survives: {
    'worker-crash': 'yes',
    'broker-restart': 'yes',
    'broker-crash': 'yes',
    'node-loss': 'no',
    'power-loss': 'yes',
  },
  settle: 'confirmed',
  fencing: 'token',
  counts: { failures: 'exact', crashes: 'exact' },
  release: 'free',
  order: { scope: 'none', across: 'worker', afterRetry: 'lost' },
  keyOrder: 'emulated',
  redelivery: { how: 'on-lease', withinMs: 31_000 },
  delay: { how: 'emulated', errorMs: 100, errorShare: 0, msMax: 10 * 365 * 86_400_000 },
  dedupe: { publishWindowMsMax: 365 * 86_400_000, consume: 'here' },
  positions: 'none',
  replay: false,
  retention: false,
  seek: false,
  pause: true,
  deadLetters: true,
  manage: true,
  peek: 'exact',
  depth: 'exact',
  watchdog: true,
  noReader: 'kept',
  receivers: 'no',
  resumes: false,
  tells: [],
  wakeMs: 5,
  plainData: true,
  payloadBytesMax,
  source: 'https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/',
} as const satisfies Contract

/** What waits keeps its entry id, and the data of a message are fields. */
const queueOnStream = {
  ...list,
  plainData: false,
  positions: 'reusable',
} as const satisfies Contract

const stream = {
  ...queueOnStream,
  replay: true,
  retention: true,
  seek: true,
} as const satisfies Contract

const broadcast = {
  ...list,
  ...keptNowhere,
  stored: { in: 'nowhere', copies: 0 },
  order: { scope: 'publisher', condition: 'one connection', across: 'worker', afterRetry: 'lost' },
  noReader: 'dropped-reported',
  receivers: 'counted',
  tells: ['no-worker', 'overflow'],
  payloadBytesMax: livePayloadBytesMax,
  source: 'https://redis.io/docs/latest/develop/pubsub/',
} as const satisfies Contract

const narrowcast = { ...broadcast, noReader: 'refused' } as const satisfies Contract

/** The most it claims: a server that writes each change to its disk (`appendfsync always`). */
export const contracts = {
  broadcast,
  narrowcast,
  'narrowcast-relay': { ...narrowcast, fencing: 'token', noReader: 'dropped-reported' },
  queue: list,
  stream,
} as const satisfies Contracts

/** Queues are kept as lists, or as streams where it was asked for. */
export type RedisContracts = Omit<typeof contracts, 'queue'> & {
  readonly queue: typeof list | typeof queueOnStream
}

export function contractsOf(queues: EngineName): RedisContracts {
  return queues === 'list' ? contracts : { ...contracts, queue: queueOnStream }
}

/** What holds for this channel on a server that keeps what it has in this way. */
export function contractOf(
  channel: Pick<ChannelSpec, 'pattern' | 'via' | 'leaseMs'>,
  queues: EngineName,
  keeping: Keeping,
): Contract {
  const most: Contract = contractsOf(queues)[contractRow(channel)]
  if (isLive(channel.pattern)) return most
  return {
    ...most,
    stored: { in: keeping.in, copies: 1 },
    survives: { ...most.survives, ...keeping.survives },
    redelivery: { ...most.redelivery, withinMs: channel.leaseMs + 1_000 },
  }
}
