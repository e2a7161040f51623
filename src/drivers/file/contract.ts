import type { Contract, Contracts } from '../../core/contract.ts'
import type { Pattern } from '../../core/message.ts'

/** Largest body that the store takes. */
export const payloadBytesMax = 64 * 1024 * 1024

/** The store of its own design answers every question, so both patterns promise the same. */
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
  keyOrder: 'no',
  redelivery: { how: 'on-lease', withinMs: 31_000 },
  delay: { how: 'native', errorMs: 20, errorShare: 0, msMax: 10 * 365 * 86_400_000 },
  dedupe: { publishWindowMsMax: 365 * 86_400_000, consume: 'here' },
  positions: 'durable',
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
  wakeMs: 5,
  payloadBytesMax,
  source: 'https://www.sqlite.org/wal.html',
} as const satisfies Contract

/** The most it claims, with `sync=full`. */
export const contracts = {
  queue: kept,
  stream: { ...kept, replay: true, seek: true },
} as const satisfies Contracts

export type SyncMode = 'normal' | 'full'

/** What holds for a channel with this lease: without `sync=full` a power cut takes the last writes. */
export function contractOf(pattern: Pattern, sync: SyncMode, leaseMs: number) {
  const most: Contract = contracts[pattern === 'queue' ? 'queue' : 'stream']
  const redelivery = { ...most.redelivery, withinMs: leaseMs + 1_000 }
  if (sync === 'full') return { ...most, redelivery }
  return {
    ...most,
    redelivery,
    stored: { in: 'page-cache', copies: 1 },
    survives: { ...most.survives, 'power-loss': 'no' },
  } as const satisfies Contract
}
