import type { WorkerRef } from '../core/channel.ts'
import type { GapWhy, LostWhy } from '../core/driver.ts'
import type { NarrowcastError } from '../core/errors.ts'
import type {
  Count,
  DeadLetter,
  IncomingMessage,
  Place,
  Settlement,
  SettleOutcome,
} from '../core/message.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Middleware } from './handlerRun.ts'

/** What a handler, a batch handler or `deliveries()` is given. */
export interface Received<T> {
  readonly data: T
  readonly message: Omit<IncomingMessage, 'body'>
  /** Failures + 1. */
  readonly attempt: number
  readonly failures: number
  /** Owners that ended with this message in hand. */
  readonly crashes: Count
  readonly redrives: number
  readonly position?: string
  /** Its producer has named no id: this one was made for this delivery, and the next has another. */
  readonly idIsStable?: false
  /**
   * Fires on drain past its deadline, lost ownership, `runMsMax`, or when a function around the
   * handler says so; its `reason` says which.
   */
  readonly signal: AbortSignal
}

/** Returning nothing is an ack, a verdict is that verdict, throwing is a retry by policy. */
export type Handler<T> = (
  data: T,
  delivery: Received<T>,
) => Verdict | undefined | void | Promise<Verdict | undefined | void>

/** One verdict per message, in their order; returning nothing acks all, throwing retries all. */
export type BatchHandler<T> = (
  batch: readonly Received<T>[],
  signal: AbortSignal,
) =>
  | readonly (Verdict | undefined | void)[]
  | void
  | Promise<readonly (Verdict | undefined | void)[] | void>

export interface OpenDelivery<T> extends Received<T> {
  /**
   * Once. `late`: ownership was gone before, nothing was changed. The same verdict again gives the
   * same answer; another one after `settled` is refused. @throws INVALID_ARGUMENT
   */
  settle(verdict: DeliveryVerdict): Promise<SettleOutcome>
}

/** What the holder of an open delivery may say: release gives it back at no cost. */
export type DeliveryVerdict = Verdict | { readonly kind: 'release'; readonly delayMs?: number }

/**
 * The loop in the caller's hands. Leases are renewed until settle or close; the caller owns the
 * retry policy: neither `attempts` nor `deliveriesMax` is applied. A message that cannot be
 * decoded, or does not fit the schema, becomes a dead letter with cause `invalid`.
 */
export interface Deliveries<T> extends AsyncIterable<OpenDelivery<T>>, AsyncDisposable, Watched {
  /** With `charge: 'marked'`: await it before work on everything up to this one begins. */
  begin(upTo: OpenDelivery<T>): Promise<void>
  /** Gives back what is unsettled, at no cost, and ends the iteration. */
  close(): Promise<void>
}

export interface DeliveriesOptions {
  /** Streams only, and required there. */
  group?: string
  /** Where a group begins that has no position yet. @default 'first' */
  from?: Place
  /** Label of the worker id. @default the `name` of `connect` */
  name?: string
  /** Messages held unsettled. @default 1_000 */
  holdMax?: number
  /** @default 64 MiB */
  holdBytesMax?: number
  /** @default 'marked' */
  charge?: 'taken' | 'marked'
  /** As in `SubscribeOptions`. @default 15 s */
  deafAfterMs?: number
  /** Required where the channel has dedupe on consume, which only handlers have: every twin comes. */
  dedupe?: false
}

export interface SubscribeOptions<T = unknown> {
  /** Streams only, and required there. */
  group?: string
  /** Where a group begins that has no position yet. @default 'first' */
  from?: Place
  /** Label of the worker id. @default the `name` of `connect` */
  name?: string
  /** Handlers at once. @default 1 */
  concurrency?: number
  /**
   * Broadcast and narrowcast only: messages that may wait for a free handler; beyond that the
   * oldest is dropped, told as `gap`. @default 1_000
   */
  holdMax?: number
  /** @default 64 MiB */
  holdBytesMax?: number
  /** A handler that runs longer is aborted and counts as failed. @default 15 min */
  runMsMax?: number
  /** What an aborted handler gets to end by itself. @default 10 s */
  abortMs?: number
  /**
   * It counts as deaf when it waits with room, messages have been waiting for it so long, and
   * nothing came. Then it asks anew, and is rebuilt. At least 100 ms. @default 15 s
   */
  deafAfterMs?: number
  /** Functions around the handler, the first outermost. */
  middleware?: readonly Middleware<T>[]
}

export interface BatchOptions {
  batch: {
    /** Messages in a batch at most. */
    size: number
    /** Longest wait for a batch to fill, counted from its first message. */
    waitMsMax: number
  }
}

/** Names a message in an event. */
export interface Of {
  readonly id: string
  readonly position?: string
}

export interface SubscriptionEvents {
  ready: { isReady: boolean; why: string }
  /**
   * Every delivery that ended here, with what became of it. On broadcast and narrowcast: every
   * handler that ended well, as acknowledged; all others are an `error` with the message's id.
   */
  settled: Of & { kind: Settlement['kind']; outcome: SettleOutcome }
  lost: { deliveries: readonly Of[]; why: LostWhy }
  /**
   * The work finished but ownership was gone. `overdueMs`: since the lease ended by our own clock; 0
   * where others ended it before, nobody knows when. `loopBlockedMs`: our event loop stood still.
   */
  late: Of & { overdueMs: number; loopBlockedMs: number | null }
  dead: Of & { letter: DeadLetter }
  /** A failed handler, or trouble of ours; `id` null: not about one message. */
  error: { id: string | null; error: NarrowcastError }
  /** Messages wait and none came for `sinceMs`. It asks anew, is rebuilt, or can only report. */
  deaf: { sinceMs: number; messages: Count; step: 'fetch' | 'rebuild' | 'report' }
  /** Broadcast and narrowcast: so many messages were missed here. */
  gap: { missed: Count; why: GapWhy }
  /** A handler did not end after its abort; its slot is lost. */
  stuck: Of & { runMs: number; slotsLeft: number }
  /** It has ended in order, whoever asked for it: the program, or `narrowcast.control`. */
  drained: Drained
}

export interface Watched {
  readonly worker: WorkerRef
  readonly isReady: boolean
  /** Resolves when the broker has confirmed the subscription; rejects when it never will. */
  ready(signal?: AbortSignal): Promise<void>
  /** Returns the function that takes the listener away again. */
  on<E extends keyof SubscriptionEvents>(
    event: E,
    listener: (what: SubscriptionEvents[E]) => void,
  ): () => void
}

export interface Drained {
  /** Settled while draining; on broadcast and narrowcast: handlers that ended, well or not. */
  readonly settled: number
  /** Given back, at no cost in attempts. */
  readonly released: number
  /** Messages whose handlers did not end in time; they are given back, where they are kept. */
  readonly abandoned: number
}

export interface Subscription extends Watched, AsyncDisposable {
  /** Takes nothing new, gives back what has not begun, lets handlers end. @default 10 s */
  drain(options?: { timeoutMs?: number }): Promise<Drained>
}
