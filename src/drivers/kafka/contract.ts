import type { Contract } from '../../core/contract.ts'
import { keptNowhere } from '../_shared/keptNowhere.ts'
import type { Durability } from './durability.ts'
import { delayMsMax } from './layout.ts'
import { insteadOfNarrowcast, type OfferedPattern } from './offered.ts'
import { sessionMsDefault } from './options.ts'
import { aroundBytesMax, payloadBytesMax } from './topics.ts'

/** How long the partitions of a worker that is gone take to find another one. */
const sharedOutMs = 5_000

const queue = {
  delivery: 'at-least-once',
  stored: { in: 'page-cache', copies: 'unknown' },
  survives: {
    'worker-crash': 'yes',
    'broker-restart': 'yes',
    'broker-crash': 'yes',
    'node-loss': 'yes',
    'power-loss': 'unknown',
  },
  settle: 'watermark',
  fencing: 'generation',
  counts: { failures: 'exact', crashes: 'head' },
  release: 'free',
  order: { scope: 'key', across: 'workers', afterRetry: 'lost' },
  keyOrder: 'native',
  redelivery: { how: 'on-release', withinMs: sessionMsDefault + sharedOutMs },
  delay: { how: 'emulated', errorMs: 1_000, errorShare: 0, msMax: delayMsMax },
  dedupe: { publishWindowMsMax: null, consume: 'no' },
  positions: 'durable',
  replay: false,
  retention: false,
  seek: false,
  pause: false,
  deadLetters: true,
  manage: true,
  peek: 'approximate',
  depth: 'estimate',
  watchdog: true,
  noReader: 'kept',
  receivers: 'no',
  resumes: false,
  tells: [],
  wakeMs: 5,
  payloadBytesMax,
  plainData: true,
  source: 'https://kafka.apache.org/documentation/#semantics',
} as const satisfies Contract

const stream = {
  ...queue,
  delay: { how: 'no', errorMs: 0, errorShare: 0, msMax: 0 },
  replay: true,
} as const satisfies Contract

/**
 * Handed out is done; what was not waits in the topic, for as long as the process lives that knows
 * how far it has read.
 */
const broadcast = {
  ...queue,
  ...keptNowhere,
  survives: { ...queue.survives, 'worker-crash': 'no' },
  order: { scope: 'key', across: 'worker', afterRetry: 'lost' },
  noReader: 'dropped-silently',
  resumes: true,
  source: 'https://kafka.apache.org/documentation/#design_consumerposition',
} as const satisfies Contract

/** The most it claims. */
export const contracts = { broadcast, queue, stream } as const
export type KafkaContracts = typeof contracts

/** What a user does about a no. */
export const advice = {
  seek: 'Stop the workers of the group, then move it: kafka-consumer-groups.sh --group GROUP --topic CHANNEL --reset-offsets',
  retention:
    'Set it on the topic: kafka-configs.sh --alter --entity-type topics --entity-name CHANNEL --add-config retention.ms=604800000',
  narrowcast: insteadOfNarrowcast,
  'narrowcast-relay': insteadOfNarrowcast,
  dedupe: 'Make handlers idempotent: an id stays the same, however often its message comes.',
} as const

/** Of a topic as it is. What nobody tells is not claimed. */
export function contractOf(
  pattern: OfferedPattern,
  sessionMs: number,
  found: Durability | null,
): Contract {
  const most = mostOf(pattern, sessionMs)
  const positions = (of: 'durable' | 'reusable') => (most.positions === 'none' ? 'none' : of)
  if (found === null) {
    const survives = { ...most.survives, 'node-loss': 'unknown' } as const
    return { ...most, survives, positions: positions('reusable') }
  }
  const { copies, mayLoseTail, messageBytesMax } = found
  const isSafe = copies >= 2 && !mayLoseTail
  return {
    ...most,
    stored: { in: 'page-cache', copies },
    // What one node has is in its memory until the system writes it: several lose power together.
    survives: {
      ...most.survives,
      'node-loss': isSafe ? 'yes' : 'no',
      'power-loss': copies >= 2 ? 'unknown' : 'no',
    },
    positions: positions(isSafe ? 'durable' : 'reusable'),
    payloadBytesMax: Math.min(payloadBytesMax, Math.max(0, messageBytesMax - aroundBytesMax)),
  }
}

function mostOf(pattern: OfferedPattern, sessionMs: number): Contract {
  if (pattern === 'broadcast') return broadcast
  const redelivery = { how: 'on-release', withinMs: sessionMs + sharedOutMs } as const
  return { ...contracts[pattern], redelivery }
}
