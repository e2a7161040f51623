import type { ChannelSpec } from '../../core/channel.ts'
import { type Contract, contractRow } from '../../core/contract.ts'
import { keptNowhere } from '../_shared/keptNowhere.ts'

const leaseMs = 30_000

const queue = {
  delivery: 'at-least-once',
  stored: { in: 'memory', copies: 1 },
  survives: {
    'worker-crash': 'no',
    'broker-restart': 'no',
    'broker-crash': 'no',
    'node-loss': 'no',
    'power-loss': 'no',
  },
  settle: 'confirmed',
  fencing: 'token',
  counts: { failures: 'exact', crashes: 'exact' },
  release: 'free',
  order: { scope: 'channel', across: 'workers', afterRetry: 'lost' },
  keyOrder: 'native',
  redelivery: { how: 'on-lease', withinMs: leaseMs + 100 },
  delay: { how: 'native', errorMs: 100, errorShare: 0, msMax: 366 * 86_400_000 },
  dedupe: { publishWindowMsMax: 30 * 86_400_000, consume: 'here' },
  positions: 'reusable',
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
  wakeMs: 0,
  payloadBytesMax: 67_108_864,
  plainData: false,
  source: 'docs/drivers/memory.md',
} as const satisfies Contract

/** Handed to who is there now. */
const broadcast = {
  ...queue,
  ...keptNowhere,
  noReader: 'dropped-reported',
  receivers: 'counted',
  resumes: true,
  tells: ['no-worker', 'overflow'],
} as const satisfies Contract

/** Each worker is handed its messages as they were sent; another one takes what a dead one cannot. */
const narrowcast = {
  ...broadcast,
  order: {
    scope: 'publisher',
    condition: 'while no worker leaves',
    across: 'worker',
    afterRetry: 'lost',
  },
  noReader: 'refused',
} as const satisfies Contract

/** What the memory driver promises. The store is the process: it ends with it. */
export const contracts = {
  broadcast,
  narrowcast,
  'narrowcast-relay': { ...narrowcast, fencing: 'token', noReader: 'dropped-reported' },
  queue,
  stream: { ...queue, replay: true, retention: true, seek: true },
} as const

/** Of one channel: what a dead reader held comes again after its lease. */
export function contractOf(channel: ChannelSpec): Contract {
  const most: Contract = contracts[contractRow(channel)]
  if (most.redelivery.how === 'none') return most
  return { ...most, redelivery: { how: 'on-lease', withinMs: channel.leaseMs + 100 } }
}
