import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Codec } from '../core/codec.ts'
import type { Contract, Contracts } from '../core/contract.ts'
import type { Admin, BrokerInfo, ChannelInfo } from '../core/driver.ts'
import type { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
import type { Health } from './health.ts'
import type { Relay, RelayOptions } from './live/relayApi.ts'
import type {
  ChannelOptionsOf,
  DeliveriesOptionsOf,
  IfSettled,
  PatternOf,
  PublishOptionsOf,
  Reading,
  RoutedBy,
  SubscribeOptionsOf,
} from './offered.ts'
import type { Strategy } from './strategies/strategies.ts'
import type {
  BatchHandler,
  BatchOptions,
  Deliveries,
  Handler,
  Subscription,
} from './subscribing.ts'
import type { Section } from './telemetry/sender.ts'
import type { TelemetryView } from './telemetry/view.ts'

export type * from './subscribing.ts'

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
  /**
   * false: the data is written alone, as other programs on this broker expect it. Then no id, key,
   * time or header travels, and what needs one is refused. What is read may have either form.
   * @default true
   */
  envelope?: boolean
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
  /**
   * Owners that may end with the message in hand before it is dead. At least 2.
   * @default 10; 1,000 where the contract says that crashes are `mixed` with what nobody is to blame for
   */
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
 * is what the driver promises at most: what it says no to does not compile, nor what the pattern
 * `P` has no use for.
 */
export interface Channel<
  In = unknown,
  Out = In,
  K extends Contract = Contract,
  P extends Pattern = Pattern,
> {
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
    ...[options]: Reading<P, SubscribeOptionsOf<K, P, Out> & { batch?: never }>
  ): Subscription
  subscribe(
    ...[handler, options]: IfSettled<
      K,
      [handler: BatchHandler<Out>, options: SubscribeOptionsOf<K, P, Out> & BatchOptions]
    >
  ): Subscription
  /** @throws UNSUPPORTED on a channel with dedupe on consume, unless told `dedupe: false`. */
  deliveries(...[options]: IfSettled<K, Reading<P, DeliveriesOptionsOf<P>>>): Deliveries<Out>
}

type Call<F> = F extends (...args: [...infer A, AbortSignal]) => infer R
  ? (...args: [...A, signal?: AbortSignal]) => R
  : never

/**
 * The broker's admin calls, see `Admin` in core/driver.ts. A call that the contract does not
 * offer rejects with UNSUPPORTED.
 */
export type BusAdmin = {
  [K in Exclude<keyof Admin, 'ensure' | 'find'>]-?: Call<NonNullable<Admin[K]>>
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
export type DeclareChannel<
  K extends Contract = Contract,
  P extends Pattern = Pattern,
  More = unknown,
> = {
  declare<In extends Uint8Array = Uint8Array, Out = In>(
    name: string,
    options: ChannelOptionsOf<K, P, In, Out> & More & { codec: 'bytes' },
  ): Channel<In, Out, K, P>
  declare<In = unknown, Out = In>(
    name: string,
    options?: ChannelOptionsOf<K, P, In, Out> & More,
  ): Channel<In, Out, K, P>
}['declare'] // as a method: a bus of one driver is a bus of any

/** A channel of each pattern that the driver offers. */
type Patterns<C extends Contracts> = {
  readonly [P in Extract<keyof C, Pattern>]: DeclareChannel<
    NonNullable<C[P]>,
    PatternOf<C, P>,
    RoutedBy<C, P>
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
   * Drains every subscription, flushes every outbox, closes. On broadcasts and narrowcasts in the
   * order in which messages flow, or the last would meet nobody: outboxes, relays, subscriptions.
   * Handlers may run for `timeoutMs` in all and are then aborted; up to two seconds more are theirs
   * and the broker's to end.
   * Awaited inside a handler it waits for that very handler, until the deadline ends it: there
   * start it and return, without `await`. So with `drain`. @default timeoutMs: 10_000
   */
  close(options?: { timeoutMs?: number }): Promise<void>
}
