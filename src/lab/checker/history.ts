import type { ActorId, LabEvent, Sidecar } from '../evidence/evidence.ts'

/** Of one start of a producer: its sequence s is message `first + s`. */
export interface Origin {
  readonly producer: number
  readonly incarnation: number
  readonly first: number
  readonly count: number
}

/** Bits of `History.told`. */
export const told = { ok: 1, fail: 2, info: 4, nobodyThere: 8, error: 16 } as const

/**
 * What all ledgers say together, message by message in arrays: millions fit into memory. Times
 * are nanoseconds since `baseNs`; NaN: never.
 */
export interface History {
  readonly baseNs: bigint
  readonly messages: number
  /** By producer, then incarnation. Their messages follow one another without a gap. */
  readonly origins: readonly Origin[]
  /** Attempts to publish; 0: nobody published this. Stops counting at 255. */
  readonly attempts: Uint8Array
  readonly told: Uint8Array
  readonly key: Uint16Array
  readonly intendedNs: Float64Array
  /** First attempt. */
  readonly sentNs: Float64Array
  /** First ok. */
  readonly okNs: Float64Array
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
  readonly firstReceivedNs: Float64Array
  readonly firstDoneNs: Float64Array
  /** Which ledger wrote the first DONE: an index of `History.ledgers`; 65,535: none. */
  readonly firstDoneBy: Uint16Array
}

export type TimedEvent = {
  readonly event: LabEvent['event']
  readonly fromNs: number
  readonly toNs: number
} & {
  readonly actor: ActorId | null
  readonly how: 'stop' | 'crash' | null
}
