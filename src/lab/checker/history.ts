import type { ActorId, LabEvent, Sidecar } from '../evidence/evidence.ts'

/** One start of a producer: its sequence s is message `first + s`. */
export interface Origin {
  readonly producer: number
  readonly incarnation: number
  readonly first: number
  readonly count: number
}

/** Bits of `History.told`: what was said of a message, once or more. */
export const told = { ok: 1, fail: 2, info: 4, noReceiver: 8, noWorker: 16 } as const

/** Bits of `GroupHistory.marks`. redelivered: delivered already before the delivery that was done first. */
export const marks = { error: 1, storedTwice: 2, redelivered: 4, late: 8 } as const

/** No ledger. */
export const noLedger = 0xffff

/**
 * What all ledgers say together, message by message in arrays: millions fit into memory. Times
 * are nanoseconds since `baseNs`; NaN: never.
 */
export interface History {
  readonly baseNs: bigint
  readonly messages: number
  /** By producer, then incarnation. Their messages follow one another without a gap. */
  readonly origins: readonly Origin[]
  /** Attempts to publish; 0: a gap in the sequence, nobody published this. */
  readonly attempts: Uint16Array
  /** Of these attempts, how many may have stored something: not refused, and not known before. */
  readonly copies: Uint16Array
  readonly told: Uint8Array
  readonly key: Uint16Array
  /** Of the first attempt, as is `sentNs`. */
  readonly intendedNs: Float64Array
  readonly sentNs: Float64Array
  /** First ok. */
  readonly okNs: Float64Array
  /** By name; one named null where no worker has a ledger. */
  readonly groups: readonly GroupHistory[]
  readonly ledgers: readonly Sidecar[]
  readonly events: readonly TimedEvent[]
}

/** Arrays by message, of one group. Counts stop at 255. */
export interface GroupHistory {
  readonly group: string | null
  readonly received: Uint8Array
  readonly done: Uint8Array
  readonly dead: Uint8Array
  readonly left: Uint8Array
  readonly marks: Uint8Array
  /** Handlers that failed, without those that gave up. */
  readonly thrown: Uint8Array
  /** Acknowledged, and not late. */
  readonly acked: Uint8Array
  /** Handlers that gave up what was no longer theirs. */
  readonly gaveUp: Uint8Array
  /** Given back for another try, and not late. */
  readonly retried: Uint8Array
  /** Bits: 1 for the first of `deadCauses`, 2 for the second … */
  readonly deadBy: Uint8Array
  /** The most failures that one of its dead letters by failures tells of. */
  readonly deadFailures: Uint16Array
  readonly firstReceivedNs: Float64Array
  readonly firstDoneNs: Float64Array
  /** Which ledger wrote the first DONE: an index of `History.ledgers`, or `noLedger`. */
  readonly firstDoneBy: Uint16Array
  /** Deliveries of what nobody has published. */
  readonly unexpected: number
  /** Settlements that came late. */
  readonly late: number
  /** Ends of connections, as workers noted them. */
  readonly cuts: number
}

export interface TimedEvent {
  readonly event: LabEvent['event']
  readonly fromNs: number
  readonly toNs: number
  /** Null for an event of the broker. */
  readonly actor: ActorId | null
  readonly how: 'stop' | 'crash' | null
}
