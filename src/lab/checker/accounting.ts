import type { Identity } from '../identity.ts'
import type { Cause } from '../terms.ts'

/**
 * What became of the messages, in the eyes of one group: all workers of a queue or of narrowcast
 * together, or one group of a stream. Every number is a count of distinct messages unless said
 * otherwise.
 */
export interface GroupAccount {
  readonly group: string | null
  /** Published at least once. Each is acknowledged, failed, or indeterminate. */
  readonly attempted: number
  readonly acknowledged: number
  readonly failed: number
  readonly indeterminate: number
  /** Handed to a handler at least once. */
  readonly delivered: number
  /** The handler's effect happened at least once. */
  readonly processed: number
  readonly dead: number
  /** Still in the broker at the end. */
  readonly residual: number
  /** Acknowledged, residual, and neither processed nor dead. */
  readonly stuck: number
  /** Processed, and still in the broker. */
  readonly unsettled: number
  /** Every copy acknowledged for certain, and still in the broker. */
  readonly leftAcked: number
  /** Acknowledged by more owners than copies of it were stored: one had lost it to another. */
  readonly ackedBeyond: number
  /** Indeterminate, and processed, dead or residual. */
  readonly recovered: number
  /** Failed for certain, and delivered, dead or residual all the same. */
  readonly phantom: number
  /** Deliveries of what nobody has published, or with a header that is not as it was sent. */
  readonly unexpected: number
  /** Settlements that came late. */
  readonly late: number
  /** Late, and nothing is known that can have cost its worker the lease. */
  readonly lateUnfounded: number
  /** Two workers were at it at the same time, and both finished. */
  readonly overlap: number
  /** At more than one position of the broker. */
  readonly storedTwice: number
  /** Processed, dead or residual, not dead, and the effect did not happen exactly once. */
  readonly effectNotOne: number
  /** Dead letters without the failures, or the owners that ended, which they need. */
  readonly deadUnfounded: number
  /** Given back for another try after their last one, or in the hands of too many that died. */
  readonly retriedBeyond: number
  readonly lost: LossAccount
  /** Deliveries after the first. */
  readonly redelivered: RepeatAccount
  /** Effects after the first. */
  readonly reprocessed: RepeatAccount
}

export type ByCause = Partial<Record<Cause, number>>

export interface LossAccount {
  readonly total: number
  /** Never delivered. */
  readonly broker: number
  /** Delivered, never done. */
  readonly worker: number
  /** Somebody was told: no receivers, no worker, or an error of the handler. */
  readonly reported: number
  readonly silent: number
  /** By its place among the acknowledged messages of one start of a producer. */
  readonly prefix: number
  readonly middle: number
  readonly postfix: number
  /** Runs of consecutive sequences. */
  readonly bursts: number
  readonly longestBurst: number
  readonly byCause: ByCause
  /** Of those that nobody was told of. */
  readonly silentByCause: ByCause
  readonly unexplained: number
  /** The first 32, by producer, incarnation and sequence. */
  readonly sample: readonly Identity[]
  /** The same of those that nothing explains. */
  readonly unexplainedSample: readonly Identity[]
}

export interface RepeatAccount {
  readonly total: number
  readonly byCause: ByCause
  readonly unexplained: number
  /** The first 32 messages of these, by producer, incarnation and sequence. */
  readonly unexplainedSample: readonly Identity[]
}
