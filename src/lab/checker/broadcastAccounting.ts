import type { Identity } from '../identity.ts'
import type { ByCause, RepeatAccount } from './accounting.ts'

/** What became of the messages of a broadcast. Counts of distinct messages unless said otherwise. */
export interface BroadcastAccount {
  readonly attempted: number
  readonly acknowledged: number
  readonly failed: number
  readonly indeterminate: number
  /** Failed for certain, and delivered to somebody all the same. */
  readonly phantom: number
  /** Acknowledged while nobody was subscribed, and heard by nobody. */
  readonly unheard: Unheard
  /** By number. */
  readonly subscribers: readonly SubscriberAccount[]
}

export interface Unheard {
  readonly total: number
  /** The publisher was told that there is no receiver. */
  readonly reported: number
  readonly silent: number
  /** Of the silent ones: who may have been believed to be there, or `no-worker`. */
  readonly silentByCause: ByCause
}

/** One subscriber over all its starts. */
export interface SubscriberAccount {
  readonly subscriber: number
  /** Acknowledged while it was certainly subscribed, from the send to the answer. */
  readonly owed: number
  /** Acknowledged while it may or may not have been: owed to nobody, and not counted as missed. */
  readonly edge: number
  readonly delivered: number
  readonly missed: MissedAccount
  /** Deliveries after the first. */
  readonly extra: RepeatAccount
  /** Deliveries of what nobody has published, or with a header that is not as it was sent. */
  readonly unexpected: number
}

/** Owed, and never delivered. */
export interface MissedAccount {
  readonly total: number
  readonly byCause: ByCause
  readonly unexplained: number
  /** The first 32, by producer, incarnation and sequence. */
  readonly sample: readonly Identity[]
  /** The same of those that nothing explains. */
  readonly unexplainedSample: readonly Identity[]
}
