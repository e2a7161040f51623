import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { WorkerRef } from '../core/channel.ts'
import type { Codec } from '../core/codec.ts'
import type { Contract, Contracts } from '../core/contract.ts'
import type { Admin, BrokerInfo, ChannelInfo, GapWhy, LostWhy } from '../core/driver.ts'
import type { NarrowcastError } from '../core/errors.ts'
import type {
  Count,
  DeadLetter,
  IncomingMessage,
  Pattern,
  Place,
  Settlement,
  SettleOutcome,
} from '../core/message.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Middleware } from './handlerRun.ts'
import type { Health } from './health.ts'
import type { Relay, RelayOptions } from './live/relayApi.ts'
import type {
  ChannelOptionsOf,
  IfSettled,
  PublishOptionsOf,
  SubscribeOptionsOf,
} from './offered.ts'
import type { Strategy } from './strategies/strategies.ts'
import type { Section } from './telemetry/sender.ts'
import type { TelemetryView } from './telemetry/view.ts'

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
  /** Label of the worker id. @default the program's name */
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
  /** Label of the worker id. @default the program's name */
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

export interface PublishOptions {
  /** @default a new UUIDv7 */
  id?: string
  key?: string
  headers?: Record<string, string>
  /** CloudEvents `type`. @default the channel's name */
  type?: string
  /** CloudEvents `source`. @default 'narrowcast' */
  source?: string
  /** The producer's time, ms since 1970. @default now */
  timeMs?: number
  /** Hand it out no earlier than after this time. @default 0 */
  delayMs?: number
  /** Stops waiting; the message may still travel. */
  signal?: AbortSignal
}

export interface Receipt {
  readonly id: string
  readonly position?: string
  /** Broadcast and narrowcast: to how many it went; by relay: how many relays took it. */
  readonly receivers?: number
  /** The broker knew this id inside the dedupe window and stored nothing new. */
  readonly duplicate: boolean
}

/** What belongs to the channel: every program that opens it should say the same. */
export interface ChannelOptions<In = unknown, Out = In> {
  /**
   * Any Standard Schema; checked on publish and before every handler. What travels is the data as
   * it was published: defaults, transforms and coercions are made by who reads it.
   */
  schema?: StandardSchemaV1<In, Out>
  /** bytes: a Uint8Array as it is. @default 'json' */
  codec?: 'json' | 'bytes' | Codec
  /** @default 1 MiB, or what the broker allows */
  payloadBytesMax?: number
  publish?: {
    /**
     * safe: only what was certainly not stored, or inside the dedupe window. always: also what
     * may have been stored, which can store it twice. @default 'safe'
     */
    retry?: false | 'safe' | 'always'
    /** Also while the connection is away, unless that is refused for good. @default 30 s */
    timeoutMs?: number
  }
  /** Messages in the outbox, waiting callers included. @default 1_000 */
  inFlightMax?: number
  /** @default 16 MiB */
  inFlightBytesMax?: number
  /** @default 30 s */
  leaseMs?: number
  /** Total tries; the one that fails last makes it a dead letter. @default 5 */
  attempts?: number
  /** Owners that may end with the message in hand before it is dead. At least 2. @default 10 */
  deliveriesMax?: number
  /** Full jitter, doubled per failure. @default 100 ms … 30 s */
  backoff?: { delayMsMin?: number; delayMsMax?: number }
  /** Streams only. @default keep everything */
  retention?: { ageMs?: number; messages?: number; bytes?: number }
  /** Off unless asked. `windowMs` @default 120 s */
  dedupe?: { on: 'publish' | 'consume'; windowMs?: number }
  /**
   * key: one message of a key at a time over all workers (of a stream: of the group), in the order
   * of publishing; the next begins when the one before is acknowledged or dead. Messages without a
   * key are not ordered. Kept with the group: another order beside its live workers is CONFLICT,
   * and who asks for none reads in the order that is there. @default none
   */
  order?: 'none' | 'key'
  /**
   * With `order: 'key'`. block: a message that waits for its next try holds up the rest of its key.
   * skip: the rest goes on meanwhile, and it comes when its time has come. @default skip
   */
  onFailure?: 'block' | 'skip'
  /**
   * Narrowcast: the publisher chooses the worker, or a relay between them does. Beside a direct
   * channel a relay may serve other publishers. @default direct
   */
  via?: 'direct' | 'relay'
  /** Narrowcast by direct: how a worker is chosen. @default random */
  strategy?: Strategy
}

/**
 * `In` is what `publish` takes, `Out` what handlers are given; a schema may make one the other. `K`
 * is what the driver promises at most: what it says no to does not compile.
 */
export interface Channel<In = unknown, Out = In, K extends Contract = Contract> {
  readonly name: string
  readonly pattern: Pattern
  /** Opens it: checks the wishes against the broker's contract. publish and subscribe do it too. */
  opened(): Promise<Contract>
  /** @throws NarrowcastError; its `definite` says whether the message may have been stored. */
  publish(data: In, options?: PublishOptionsOf<K>): Promise<Receipt>
  /** Waits for room in the outbox instead of BUSY. One answer per message, in their order. */
  publishMany(
    batch: readonly { data: In; options?: PublishOptionsOf<K> }[],
  ): Promise<(Receipt | NarrowcastError)[]>
  /** Resolves when the outbox has room. */
  writable(signal?: AbortSignal): Promise<void>
  subscribe(
    handler: Handler<Out>,
    options?: SubscribeOptionsOf<K, Out> & { batch?: never },
  ): Subscription
  subscribe(
    ...[handler, options]: IfSettled<
      K,
      [handler: BatchHandler<Out>, options: SubscribeOptions<Out> & BatchOptions]
    >
  ): Subscription
  /** @throws UNSUPPORTED on a channel with dedupe on consume, unless told `dedupe: false`. */
  deliveries(...[options]: IfSettled<K, [options?: DeliveriesOptions]>): Deliveries<Out>
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
  /** The work finished but ownership was gone. `loopBlockedMs`: our event loop stood still. */
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

type Call<F> = F extends (...args: [...infer A, AbortSignal]) => infer R
  ? (...args: [...A, signal?: AbortSignal]) => R
  : never

/**
 * The broker's admin calls, see `Admin` in core/driver.ts. A call that the contract does not
 * offer rejects with UNSUPPORTED.
 */
export type BusAdmin = {
  [K in Exclude<keyof Admin, 'ensure'>]-?: Call<NonNullable<Admin[K]>>
} & {
  /** The channel of that very name; null when there is none. */
  find(name: string, signal?: AbortSignal): Promise<ChannelInfo | null>
}

/**
 * Names a channel. Both types come from the schema, or from the codec `'bytes'`; without either,
 * one type that the caller names serves both sides, and nobody checks it.
 *
 * A bus holds a channel once for each codec: naming it again gives the same handle.
 * @throws CONFLICT for options that differ from those of the handle, INVALID_ARGUMENT, UNSUPPORTED
 */
export type DeclareChannel<K extends Contract = Contract, More = unknown> = {
  declare<In extends Uint8Array = Uint8Array, Out = In>(
    name: string,
    options: ChannelOptionsOf<K, In, Out> & More & { codec: 'bytes' },
  ): Channel<In, Out, K>
  declare<In = unknown, Out = In>(
    name: string,
    options?: ChannelOptionsOf<K, In, Out> & More,
  ): Channel<In, Out, K>
}['declare'] // as a method: a bus of one driver is a bus of any

/** A channel of each pattern that the driver offers. */
type Patterns<C extends Contracts> = {
  readonly [P in Extract<keyof C, Pattern>]: DeclareChannel<
    NonNullable<C[P]>,
    P extends 'narrowcast'
      ? 'narrowcast-relay' extends keyof C
        ? unknown
        : { via?: 'direct' }
      : unknown
  >
}

interface Relays {
  /**
   * Starts a relay of a narrowcast channel with `via: 'relay'`; resolves when the channel is open.
   * Its `ready()` resolves when it leads, which may be never.
   * @throws UNSUPPORTED where the contract has no row `narrowcast-relay`
   */
  relay(name: string, options?: RelayOptions): Promise<Relay>
}

/**
 * One connection, with what a driver offers on it. `Bus` alone offers all: what the driver does
 * not have is refused when it is called.
 */
export type Bus<C extends Contracts = Contracts> = BusCore &
  Patterns<C> &
  ('narrowcast-relay' extends keyof C ? Relays : unknown)

export interface BusCore extends AsyncDisposable {
  /** Name of the driver. */
  readonly driver: string
  readonly info: BrokerInfo
  /** The most that the driver promises. */
  readonly contracts: Contracts
  readonly admin: BusAdmin
  readonly telemetry: {
    /**
     * Adds a section to what this process tells of itself. @returns what takes it away again. It
     * does nothing where telemetry is off.
     */
    add(section: Section): () => void
    /** Hears what processes tell of themselves. @throws UNSUPPORTED where there is no broadcast */
    watch(): Promise<TelemetryView>
  }
  /** How it is now, for the probes of whoever runs the process; see `httpProbe`. */
  health(): Health
  /**
   * Drains every subscription, flushes every outbox, closes. Handlers may run for `timeoutMs` and
   * are then aborted; up to two seconds more are theirs and the broker's to end.
   * Awaited inside a handler it waits for that very handler, until the deadline ends it: there
   * start it and return, without `await`. So with `drain`. @default timeoutMs: 10_000
   */
  close(options?: { timeoutMs?: number }): Promise<void>
}
