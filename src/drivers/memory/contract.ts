import type { ChannelSpec } from '../../core/channel.ts'
import type { Contract } from '../../core/contract.ts'

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
  keyOrder: 'no',
  redelivery: { how: 'on-lease', withinMs: leaseMs + 100 },
  delay: { how: 'native', errorMs: 100, errorShare: 0, msMax: 366 * 86_400_000 },
  dedupe: { publishWindowMsMax: 30 * 86_400_000, consume: 'here' },
  positions: 'reusable',
  replay: false,
  seek: false,
  pause: true,
  deadLetters: true,
  manage: true,
  peek: 'exact',
  depth: 'exact',
  watchdog: true,
  noReader: 'kept',
  resumes: false,
  tells: [],
  wakeMs: 0,
  payloadBytesMax: 67_108_864,
  source: 'docs/drivers/memory.md',
} as const satisfies Contract

/** What the memory driver promises. The store is the process: it ends with it. */
export const contracts = {
  queue,
  stream: { ...queue, replay: true, seek: true },
} as const

/** Of one channel: what a dead reader held comes again after its lease. */
export function contractOf(channel: ChannelSpec): Contract {
  const most = contracts[channel.pattern === 'queue' ? 'queue' : 'stream']
  return { ...most, redelivery: { how: 'on-lease', withinMs: channel.leaseMs + 100 } }
}
