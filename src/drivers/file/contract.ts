import type { ChannelSpec } from '../../core/channel.ts'
import { type Contract, type Contracts, contractRow } from '../../core/contract.ts'
import { isLive } from '../../core/message.ts'
import { keptNowhere } from '../_shared/keptNowhere.ts'

/** Largest body that the store takes. */
export const payloadBytesMax = 64 * 1024 * 1024

/** The store of its own design answers every question, so queue and stream promise the same. */
const kept = {
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
  order: { scope: 'channel', across: 'workers', afterRetry: 'lost' },
  keyOrder: 'native',
  redelivery: { how: 'on-lease', withinMs: 31_000 },
  delay: { how: 'native', errorMs: 20, errorShare: 0, msMax: 10 * 365 * 86_400_000 },
  dedupe: { publishWindowMsMax: 365 * 86_400_000, consume: 'here' },
  positions: 'durable',
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
  payloadBytesMax,
  plainData: false,
  source: 'https://www.sqlite.org/wal.html',
} as const satisfies Contract

/**
 * Handed to who is there now. It lies in the store only until it is read, and who would read it
 * ends with the machine: no answer waits for the disk.
 */
const broadcast = {
  ...kept,
  ...keptNowhere,
  stored: { in: 'page-cache', copies: 1 },
  noReader: 'dropped-reported',
  receivers: 'counted',
  resumes: true,
  tells: ['no-worker', 'overflow'],
} as const satisfies Contract

/** Each worker is handed its messages in the order in which they were sent. */
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

/** The most it claims, with `sync=full`. */
export const contracts = {
  broadcast,
  narrowcast,
  'narrowcast-relay': { ...narrowcast, fencing: 'token', noReader: 'dropped-reported' },
  queue: kept,
  stream: { ...kept, replay: true, retention: true, seek: true },
} as const satisfies Contracts

export type SyncMode = 'normal' | 'full'

/** What holds for this channel: without `sync=full` a power cut takes the last writes. */
export function contractOf(
  channel: Pick<ChannelSpec, 'pattern' | 'via' | 'leaseMs'>,
  sync: SyncMode,
): Contract {
  const most: Contract = contracts[contractRow(channel)]
  if (isLive(channel.pattern)) return most
  const redelivery = { ...most.redelivery, withinMs: channel.leaseMs + 1_000 }
  if (sync === 'full') return { ...most, redelivery }
  return {
    ...most,
    redelivery,
    stored: { in: 'page-cache', copies: 1 },
    survives: { ...most.survives, 'power-loss': 'no' },
  }
}
