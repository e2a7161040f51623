import type { Contract, Loss } from '../core/contract.ts'
import { isLive, type Pattern } from '../core/message.ts'
import { type Cause, causes, type Terms } from './terms.ts'

/** What a run asked for, as far as it decides what the run may show. */
export interface RunSettings {
  readonly pattern: Pattern
  /** Of a reader of a kept pattern, or of the entry of a live worker. */
  readonly leaseMs: number
  /** No broker runs beside the processes: each of them writes to the store. */
  readonly isStoreShared: boolean
  /** The most that one worker may have in its hands. */
  readonly inHandMax: number
  /** As the channel is set. */
  readonly attempts: number
  readonly deliveriesMax: number
  /** Publishing the same id again is known to be one: for how long. Null: it is not. */
  readonly dedupeWindowMs: number | null
  /** A limit that the user set to what is kept was reached, by the broker's own count. */
  readonly isRetentionReached: boolean
  /** As the reader asked. */
  readonly order: 'none' | 'key'
  readonly onFailure: 'block' | 'skip'
}

/** first try: what comes again may come later than its turn. */
export type OrderPromise = 'none' | 'key on the first try' | 'key'

export interface RunTerms {
  readonly terms: Terms
  readonly order: OrderPromise
  /** Of losses by these nobody can say whether they are legal: the broker does not tell. */
  readonly unknown: readonly Cause[]
}

/** Losses that a broker without storage cannot but have. */
export const lossesOfLive: readonly Cause[] = [
  'worker-killed',
  'worker-stopped',
  'no-worker',
  'overflow',
  'cut-off',
  'network',
  'broker-stop',
  'broker-crash',
  'relay-killed',
  'handler-failed',
]
/** What a reader of a kept message has no room for stays in the broker. */
export const causesOfKept = causes.filter((cause) => cause !== 'overflow')
/** Where the contract says what of a kept message outlasts. */
const outlasted = [
  ['worker-killed', 'worker-crash'],
  ['broker-stop', 'broker-restart'],
  ['broker-crash', 'broker-crash'],
] as const satisfies readonly (readonly [Cause, Loss])[]

/** How much longer than its lease the entry of a dead worker may be believed. */
const sweepMs = 1_000
/** Members show life four times in a session, which experiments make as long as their leases. */
const sessionShareMin = 0.75

/** The terms of one run, from the contract in force: nobody types a promise a second time. */
export function termsOf(contract: Contract, settings: RunSettings): RunTerms {
  const { delivery, survives, noReader, redelivery } = contract
  const { pattern, leaseMs, dedupeWindowMs } = settings
  const isAtMostOnce = delivery === 'at-most-once'
  const fragile = outlasted.filter(([, loss]) => survives[loss] !== 'yes').map(([cause]) => cause)
  const isUnknown = ([, loss]: readonly [Cause, Loss]) => survives[loss] === 'unknown'
  const window = survives['broker-crash']
  const isTold = noReader === 'dropped-reported' || noReader === 'refused'
  const terms: Terms = {
    pattern,
    delivery,
    mayLose: isAtMostOnce ? lossesOfLive : [...fragile, 'retention'],
    mayRepeat: isAtMostOnce
      ? ['producer-retry']
      : causesOfKept.filter((cause) => cause !== 'producer-retry' || dedupeWindowMs === null),
    tells: [
      ...(isTold ? (['no-worker'] as const) : []),
      ...(contract.tells.includes('overflow') ? (['overflow'] as const) : []),
      'handler-failed',
    ],
    lossWindowMs: typeof window === 'object' ? window.lossWindowMs : null,
    isSettleConfirmed: contract.settle === 'confirmed',
    forgetsAcks: [
      ...(['broker-stop', 'broker-crash'] as const).filter((cause) => fragile.includes(cause)),
      ...(contract.settle === 'watermark' ? (['worker-killed'] as const) : []),
    ],
    attempts: settings.attempts,
    deliveriesMax: settings.deliveriesMax,
    areCrashesMixed: contract.counts.crashes === 'mixed',
    leaseMs: ownedMsOf(contract, leaseMs),
    isStoreShared: settings.isStoreShared,
    isOwnedByConnection: contract.fencing === 'connection',
    inHandMax: keepsBacklog(contract, pattern) ? Number.MAX_SAFE_INTEGER : settings.inHandMax,
    reclaimWithinMs: isLive(pattern) ? leaseMs + sweepMs : redelivery.withinMs,
    resumes: contract.resumes,
    isOrderedByKey: contract.order.scope === 'key',
    isRetentionReached: settings.isRetentionReached,
  }
  const unknown = isAtMostOnce ? [] : outlasted.filter(isUnknown).map(([cause]) => cause)
  return { terms, unknown, order: orderOf(contract, settings) }
}

/** What a live worker has not read waits for it in the broker, however much: it goes with the worker. */
function keepsBacklog({ resumes, tells }: Contract, pattern: Pattern): boolean {
  return isLive(pattern) && resumes && !tells.includes('overflow')
}

/** How long a worker that shows no life owns what it has, at least; 0: no time decides that. */
function ownedMsOf({ redelivery, fencing }: Contract, leaseMs: number): number {
  if (redelivery.how === 'on-lease') return leaseMs
  return fencing === 'generation' ? leaseMs * sessionShareMin : 0
}

function orderOf({ keyOrder }: Contract, { order, onFailure }: RunSettings): OrderPromise {
  if (order === 'none' || keyOrder === 'no') return 'none'
  return onFailure === 'block' ? 'key' : 'key on the first try'
}
