import type { Contract } from '../core/contract.ts'
import type { Pattern } from '../core/message.ts'

/** Recorded events that can explain why a message was lost or came again. */
export const causes = [
  'worker-killed',
  'worker-stopped',
  'no-worker',
  'overflow',
  'cut-off',
  'network',
  'broker-stop',
  'broker-crash',
  'relay-killed',
  'retention',
  'retry',
  'released',
  'rebalance',
  'lease-expired',
  'handler-failed',
  'producer-retry',
] as const
export type Cause = (typeof causes)[number]

/** What one run may legally show. Derived from the contract in force and the settings, never typed. */
export interface Terms {
  readonly pattern: Pattern
  readonly delivery: Contract['delivery']
  /** A loss, or a repeat, that is explained by one of these is legal. */
  readonly mayLose: readonly Cause[]
  readonly mayRepeat: readonly Cause[]
  /** Losses of these causes must all be told. */
  readonly tells: readonly Cause[]
  /** How old an acknowledged message may be that a crash of the broker loses; null: any age. */
  readonly lossWindowMs: number | null
  /** Only then does an ack before a delivery say that nothing may come again. */
  readonly isSettleConfirmed: boolean
  /**
   * Faults after which an ack may be forgotten, of the broker a confirmed one too. worker-killed: the
   * broker hears of it a moment later, and not from a worker that ends or stands still meanwhile.
   */
  readonly forgetsAcks: readonly ('broker-stop' | 'broker-crash' | 'worker-killed')[]
  /** Failures after which a message is dead. */
  readonly attempts: number
  /** Owners that may end with a message in hand before it is dead. */
  readonly deliveriesMax: number
  /**
   * The broker counts how often a message came back, also of what was on its way to a worker and that no
   * handler has seen.
   */
  readonly areCrashesMixed: boolean
  /** 0: without leases. */
  readonly leaseMs: number
  /**
   * All processes write to one file: who is stopped in the middle of that has its lock, and nobody's
   * lease is renewed meanwhile.
   */
  readonly isStoreShared: boolean
  /**
   * What a worker has is its own as long as its connection lasts, and no longer: the broker ends that of
   * a silent one, who learns it when it moves again.
   */
  readonly isOwnedByConnection: boolean
  /** The most that one worker which dies may have had in its hands. */
  readonly inHandMax: number
  /** By then what a dead worker held is handed out again, or the dead one is known to be gone. */
  readonly reclaimWithinMs: number
  /** A live subscriber is given what came while its connection was away. */
  readonly resumes: boolean
  /** A live worker is handed each key in order; what it is handed of one says nothing of another. */
  readonly isOrderedByKey: boolean
  /** The user set a limit, and the broker's own count shows that it was reached. */
  readonly isRetentionReached: boolean
}
