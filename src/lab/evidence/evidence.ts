/** Everything a verdict may rest on: what the actors, the supervisor and the broker wrote down. */
export interface Evidence {
  readonly ledgers: readonly LedgerFile[]
  /** By their time. */
  readonly events: readonly LabEvent[]
  readonly depth: readonly DepthSample[]
}

export const roles = ['producer', 'worker', 'relay', 'deadReader', 'drainReader'] as const
export type Role = (typeof roles)[number]

/** Which process: a role has its own numbers, and each start of an actor its own incarnation. */
export interface ActorId {
  readonly role: Role
  readonly actor: number
  readonly incarnation: number
}

/** What is written beside a ledger before its first record. A ledger without it is empty. */
export interface Sidecar extends ActorId {
  readonly pid: number
  /** The group a worker or a reader of leftovers belongs to; null where the pattern has none. */
  readonly group: string | null
  /** Names of the error codes that the flags of records count. */
  readonly codes: readonly string[]
}

export interface LedgerFile {
  readonly sidecar: Sidecar
  /** Whole records, and perhaps a torn one at the end. */
  readonly bytes: Uint8Array
}

/** Monotonic nanoseconds of the boot, before and after what was done. */
export interface Span {
  readonly fromNs: bigint
  readonly toNs: bigint
}

/**
 * KILL: SIGKILL. STOP, CONT: SIGSTOP and SIGCONT. BLOCK, UNBLOCK: its event loop is held up, by plan
 * until then; its own records of stalls say when it was. LEAVE: told to drain, until it has ended. EXIT: it
 * ended by itself, or not well when it was told to.
 */
export type ActorEventName =
  | 'SPAWN'
  | 'READY'
  | 'SUBSCRIBED'
  | 'KILL'
  | 'STOP'
  | 'CONT'
  | 'BLOCK'
  | 'UNBLOCK'
  | 'LEAVE'
  | 'EXIT'
  | 'NET_ON'
  | 'NET_OFF'

export type LabEvent =
  | (Span & ActorId & { readonly event: ActorEventName; readonly answersLost?: number | undefined })
  | (Span & { readonly event: 'BROKER_DOWN'; readonly how: 'stop' | 'crash' })
  | (Span & { readonly event: 'BROKER_UP' })

/** With NET_OFF: how often answers of the broker were lost until the network was healed. */
export interface Mended {
  readonly answersLost: number
}

/** What the broker says about a channel, of one group where it has groups. */
export interface DepthSample {
  readonly timeNs: bigint
  readonly group: string | null
  readonly waiting: number | 'unknown'
  readonly inFlight: number | 'unknown'
  readonly scheduled: number | 'unknown'
  readonly dead: number | 'unknown'
  /** Ever stored. */
  readonly stored: number | 'unknown'
}
