import type { ErrorCode } from './errors.ts'

/** A message goes to who is there now: to all of them, or to one. It is kept for nobody. */
export type LivePattern = 'broadcast' | 'narrowcast'
/** A message is kept until it is settled: by one worker, or by one of each group. */
export type KeptPattern = 'queue' | 'stream'
/** Who gets a message. */
export type Pattern = LivePattern | KeptPattern

export function isLive(pattern: Pattern): pattern is LivePattern {
  return pattern === 'broadcast' || pattern === 'narrowcast'
}

/** A number that not every broker has. */
export type Count = number | 'unknown'

/** A place in a channel. `position` and `id` mean: right after that message. */
export type Place = 'first' | 'end' | { position: string } | { id: string } | { timeMs: number }

/** A message on its way into a broker: checked, encoded, every field filled in. */
export interface OutgoingMessage {
  readonly id: string
  readonly key: string | null
  /** Wall-clock time of the producer. */
  readonly timeMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly delayMs: number
  readonly redrives: number
  /** What publish-dedupe remembers; null: never deduped. */
  readonly dedupeId: string | null
  /** CloudEvents `type`. @default the channel's name */
  readonly type: string
  /** CloudEvents `source`. @default 'narrowcast' */
  readonly source: string
  /** A string is JSON text. */
  readonly body: string | Uint8Array
  /** A relay passes it on as it came: the data alone. */
  readonly isPlain?: true
}

/** A message as it came out of a broker. */
export interface IncomingMessage {
  readonly id: string
  readonly key: string | null
  /** NaN in a look at what says no time and was given to no handler. */
  readonly timeMs: number
  readonly headers: Readonly<Record<string, string>>
  readonly type: string
  readonly source: string
  /** A string is JSON text. */
  readonly body: string | Uint8Array
  /** Size of the body as the broker holds it. */
  readonly bytes: number
  /** Live patterns: it was the data alone, and all the rest was given to it here. */
  readonly isPlain?: true
}

/** The stored form of a dead letter as another channel is given it; `redrives` before. */
export function redriven(message: IncomingMessage, redrives: number): OutgoingMessage {
  const { bytes, isPlain, ...stored } = message
  const again = redrives + 1
  return { ...stored, delayMs: 0, redrives: again, dedupeId: `${message.id}~${again}` }
}

export interface ErrorInfo {
  readonly name: string
  readonly message: string
  readonly code?: ErrorCode
  readonly stack?: string
  readonly worker: string
  readonly atMs: number
}

/** Why a message died. The message itself stays as it was. */
export interface DeadLetter {
  /** failures: out of attempts. crashes: took its workers down. verdict: the handler said so. */
  readonly cause: 'failures' | 'crashes' | 'verdict' | 'invalid'
  readonly reason: string
  readonly error: ErrorInfo | null
  readonly failures: number
  readonly crashes: Count
  readonly redrives: number
  readonly firstFailedMs: number | null
  readonly diedMs: number
  readonly channel: string
  readonly group: string | null
  readonly worker: string
}

/** Names one delivery to one owner. Only compared; serials of a reader rise, none is used twice. */
export interface Token {
  readonly reader: string
  readonly serial: number
}

/** One delivery of a message to one owner. */
export interface Delivery {
  readonly token: Token
  readonly message: IncomingMessage
  /** Earlier failures; this delivery is not counted. */
  readonly failures: number
  /** Owners that ended with this message in hand. */
  readonly crashes: Count
  readonly redrives: number
  readonly past: { readonly firstFailedMs: number; readonly last: ErrorInfo } | null
  /** Monotonic, counted from before the request left. */
  readonly ownedUntilMs: number
  readonly position?: string
  /** Its producer has named no id: this one was made for this delivery, and the next has another. */
  readonly idIsStable?: false
  /** Marked as begun by the take: no `renew(begun)` is needed before work on it. */
  readonly isBegun?: boolean
}

/** What becomes of one delivery. */
export type Settlement =
  | {
      readonly token: Token
      readonly kind: 'ack'
      /** Written as a consume-dedupe mark in the same atomic step as the ack. */
      readonly remember?: { readonly id: string; readonly keepMs: number }
    }
  | {
      readonly token: Token
      readonly kind: 'retry'
      readonly delayMs: number
      readonly failures: number
      readonly error: ErrorInfo
    }
  /** Nobody's fault, charged to nobody. A delay of 0 puts it back at the head. */
  | { readonly token: Token; readonly kind: 'release'; readonly delayMs: number }
  | { readonly token: Token; readonly kind: 'dead'; readonly letter: DeadLetter }

/**
 * settled: confirmed by the broker. sent: on its way; a lost connection may bring it back.
 * late: ownership was gone before; nothing was changed.
 */
export type SettleOutcome = 'settled' | 'sent' | 'late'

export type PublishOutcome =
  /** The contract's `stored` is true now. */
  | {
      readonly state: 'stored'
      readonly duplicate: boolean
      readonly position?: string
      /** Live patterns: to how many it went. By relay: how many relays took it. */
      readonly receivers?: number
    }
  /** Certainly not stored: sending again cannot duplicate. */
  | ({ readonly state: 'refused' } & PublishFailure)
  /** May be stored. */
  | ({ readonly state: 'unknown' } & PublishFailure)

interface PublishFailure {
  readonly code: ErrorCode
  readonly message: string
  /** What to do next. */
  readonly hint?: string | null
}
