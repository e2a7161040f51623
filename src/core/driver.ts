import type {
  ChannelRef,
  ChannelSpec,
  Ordering,
  ReaderSpec,
  SubscriberSpec,
  WorkerRef,
} from './channel.ts'
import type { Contract, Contracts } from './contract.ts'
import type { NarrowcastError } from './errors.ts'
import type {
  Count,
  DeadLetter,
  Delivery,
  IncomingMessage,
  OutgoingMessage,
  Pattern,
  Place,
  PublishOutcome,
  Settlement,
  SettleOutcome,
  Token,
} from './message.ts'

/**
 * A small honest adapter to one kind of broker. It never retries, never reconnects, never logs,
 * and never holds more than it was told; all of that is written once, in the runtime.
 */
export interface Driver<C extends Contracts = Contracts> {
  readonly name: string
  /** The most it can promise. */
  readonly contracts: C
  /** @throws CONNECT_FAILED, LOGIN_REFUSED, STORE_UNUSABLE, … */
  open(on: SessionEvents, signal: AbortSignal): Promise<Session>
}

export interface SessionEvents {
  /** Called once, after which everything opened from the session is closed too. */
  closed(error: NarrowcastError): void
}

export interface BrokerInfo {
  readonly product: string
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
}

/** One live connection to a broker. */
export interface Session extends AsyncDisposable {
  readonly info: BrokerInfo
  /** Of this very channel, as the broker stores it: as claimed, or weaker. */
  contract(channel: ChannelSpec, signal: AbortSignal): Promise<Contract>
  publisher(channel: ChannelSpec, signal: AbortSignal): Promise<Publisher>
  /** Resolves when the broker has confirmed the subscription. */
  source(
    channel: ChannelSpec,
    reader: ReaderSpec,
    on: SourceEvents,
    signal: AbortSignal,
  ): Promise<Source>
  /** The consume-dedupe store of one channel and group; absent where the contract says no. */
  marks?(channel: ChannelSpec, group: string | null): Marks
  /** Broadcast and narrowcast; absent where no contract row offers them. */
  readonly live?: Live
  readonly admin: Admin
}

export interface Publisher extends AsyncDisposable {
  /**
   * One outcome per message, in their order; one bad message never spoils its neighbours.
   * Rejects only with INVALID_ARGUMENT or CLOSED, before anything has left.
   */
  publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]>
}

export interface Source extends AsyncDisposable {
  /** What holds, in ms; may be less than wished. */
  readonly leaseMs: number
  /**
   * Waits for at least one delivery, never more than `room`; one message may exceed its bytes
   * alone. One call at a time. An abort resolves at once with what was taken: it never rejects
   * for it and never drops.
   */
  receive(room: { messages: number; bytes: number }, signal: AbortSignal): Promise<Delivery[]>
  /** One outcome per settlement. A token settled before gives its first answer again. */
  settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]>
  /**
   * "This reader lives", for all that it holds. `begun`: work on everything up to this token has
   * begun. Returns what is no longer ours.
   */
  renew(begun: Token | null, signal: AbortSignal): Promise<Token[]>
  /**
   * What this very source could be handed now: due, unleased, behind no predecessor, not paused;
   * and how long the oldest of it has been so. There exactly when the contract says `watchdog`.
   */
  deliverable?(signal: AbortSignal): Promise<{ messages: number; oldestMs: number }>
  /**
   * Asks for nothing more; resolves with all that was handed over and `receive` has not
   * returned. `settle` and `renew` go on until the source is disposed. Disposing gives back what
   * the reader still holds, uncharged.
   */
  stop(signal: AbortSignal): Promise<Delivery[]>
}

/**
 * The live patterns. A message is done when it is handed over: there is nothing to settle, and
 * what its handler does with it is nobody's business here. A broadcast, and a narrowcast for its
 * relay, are published by `Session.publisher`.
 */
export interface Live {
  /**
   * Broadcast: a copy of every message. Narrowcast: what is sent to this very worker. Nothing that
   * was published before is owed. Resolves when the broker has confirmed the subscription.
   *
   * A worker is there once: where its session was lost, the same incarnation takes its place and
   * what waits unread (`resumed`); another incarnation ends the one before, unread messages too.
   * Disposing the source ends the subscription, and drops what waits unread; closing the session
   * leaves it to its lease.
   * @throws CONFLICT when this worker is subscribed on this very session already
   */
  subscribe(
    channel: ChannelSpec,
    subscriber: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<LiveSource>
  /** Narrowcast, this and the rest: who is there now. */
  workers?(channel: ChannelSpec, signal: AbortSignal): Promise<WorkerRef[]>
  /**
   * One outcome per message, in their order. With a `lead` the broker compares its fence in the
   * same step: who was replaced meanwhile sends nothing.
   * @throws PAYLOAD_TOO_LARGE, UNSUPPORTED where one can never be sent; then none of them was
   */
  send?(
    channel: ChannelSpec,
    batch: readonly { readonly to: WorkerRef; readonly message: OutgoingMessage }[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<SendOutcome[]>
  /**
   * Waits until this candidate leads the relays of the channel. It is handed what was published
   * after the grant. Absent where the contract has no row `narrowcast-relay`.
   */
  lead?(
    channel: ChannelSpec,
    candidate: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<Lead>
}

/**
 * handed: given to a live connection; no more is known. nobody: certainly not, that worker is
 * gone. fenced: the lead is gone, and nothing was sent. unknown: may have been handed.
 */
export type SendOutcome = 'handed' | 'nobody' | 'fenced' | 'unknown'

export type GapWhy = 'overflow' | 'reconnect'

/** Called synchronously, never after close. */
export interface LiveEvents {
  /** So many messages were missed here. */
  gap(missed: Count, why: GapWhy): void
}

export interface LiveSource extends AsyncDisposable {
  /** What holds, in ms; may be less than wished. */
  readonly leaseMs: number
  /**
   * It goes on where an earlier subscription of this very worker broke off, and nothing between
   * was missed or a gap is told. False for the first one, and where the earlier one had ended:
   * what came since then is missed, and nobody can say how much.
   */
  readonly resumed: boolean
  /**
   * Waits for at least one message, never more than `room`; one may exceed its bytes alone. What
   * it resolves with is done: no other receiver is ever given it. One call at a time. An abort
   * resolves at once with what was taken: it never rejects for it and never drops.
   * @throws NOT_FOUND when the subscription has ended at the broker, FENCED when a lead has
   */
  receive(
    room: { messages: number; bytes: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage[]>
  /** "This subscriber lives." @throws as `receive` */
  renew(signal: AbortSignal): Promise<void>
  /**
   * Nothing more comes in: nobody chooses it, and it is counted as a receiver no more. What waits
   * unread is still received; `receive` resolves with nothing once there is none. A lead leads on
   * until it is disposed. @throws as `receive`
   */
  stop(signal: AbortSignal): Promise<void>
}

/** The one relay that leads. */
export interface Lead extends LiveSource {
  /** Another one for each grant. */
  readonly fence: string
}

export type LostWhy = 'disconnected' | 'revoked' | 'expired' | 'cancelled'

/** Called synchronously, never after close. */
export interface SourceEvents {
  /** Said at once, before any of it is handed out again. */
  lost(tokens: readonly Token[] | 'all', why: LostWhy): void
}

/** Dedupe on consume. Ids carry the redrive count: `${id}~${redrives}` above 0. */
export interface Marks {
  /** mine: run it. busy: another owner has it. done: it was worked off before. */
  claim(
    ids: readonly string[],
    by: Token,
    leaseMs: number,
    signal: AbortSignal,
  ): Promise<('mine' | 'busy' | 'done')[]>
  /** `forget` drops the claims of `by`. */
  finish(
    ids: readonly string[],
    by: Token,
    keepMs: number | 'forget',
    signal: AbortSignal,
  ): Promise<void>
}

export interface Page<T> {
  readonly items: T[]
  /** Where the next page begins; null at the end. */
  readonly cursor: string | null
}

export interface PageQuery {
  readonly cursor: string | null
  readonly limit: number
  readonly newestFirst: boolean
}

export interface Depth {
  readonly waiting: Count
  readonly inFlight: Count
  readonly scheduled: Count
  readonly dead: Count
  /** Messages that the channel holds now, settled ones of a stream included. */
  readonly stored: Count
  /** Totals since the channel was made, from which a reader makes rates. */
  readonly in: Count
  readonly out: Count
  /** Age of the oldest waiting message. */
  readonly oldestMs: Count
  readonly paused: boolean
  /** In which a queue hands out; null on a stream, whose groups have their own. */
  readonly order: Ordering | null
}

export interface GroupInfo {
  readonly group: string
  readonly lag: Count
  readonly inFlight: Count
  readonly oldestMs: Count
  readonly readers: Count
  readonly position: string | null
  readonly order: Ordering
}

export interface Stored {
  readonly message: IncomingMessage
  readonly state: 'waiting' | 'in-flight' | 'scheduled'
  readonly position?: string
  readonly worker?: string
  readonly failures: number
  readonly crashes: Count
  readonly redrives: number
}

export interface DeadEntry {
  /** Names this dead letter to `redrive` and `removeDead`. */
  readonly ref: string
  readonly message: IncomingMessage
  readonly letter: DeadLetter
}

export interface ChannelInfo {
  readonly name: string
  readonly pattern: Pattern
}

/**
 * What can be asked and changed beside the flow of messages. Every optional call is there
 * exactly when the contract fact beside it says so. Asking changes nothing in the broker.
 */
export interface Admin {
  /** Declares the channel. `differs` names each value wanted and found; nothing was changed. */
  ensure(
    channel: ChannelSpec,
    signal: AbortSignal,
  ): Promise<
    | { state: 'created' | 'same' }
    | { state: 'differs'; what: { name: string; wanted: string; found: string }[] }
  >
  /** `depth`. Null for a channel that does not exist, or whose contract says no. */
  depths?(channels: readonly ChannelRef[], signal: AbortSignal): Promise<(Depth | null)[]>
  /** `depth`, on streams. */
  groups?(channel: ChannelRef, signal: AbortSignal): Promise<GroupInfo[]>
  /** `peek`: of a stream what is stored, of a queue what is not settled. */
  peek?(
    channel: ChannelRef,
    query: PageQuery & { from: Place },
    signal: AbortSignal,
  ): Promise<Page<Stored>>
  /** `peek: 'exact'`. */
  message?(channel: ChannelRef, id: string, signal: AbortSignal): Promise<Stored | null>
  /** `deadLetters`, this and the next two. `group` null: a queue, or all groups of a stream. */
  deadLetters?(
    channel: ChannelRef,
    group: string | null,
    query: PageQuery,
    signal: AbortSignal,
  ): Promise<Page<DeadEntry>>
  /**
   * Publishes the stored form again with `redrives` + 1, and removes the dead letter once that is
   * stored. `to` null: back to where it died, a group's dead letter to that group alone; else to
   * that channel, for all who read it. One outcome per ref; a ref that is gone is refused with
   * NOT_FOUND. @throws NOT_FOUND where `to` does not exist
   */
  redrive?(
    channel: ChannelRef,
    refs: readonly string[],
    to: ChannelRef | null,
    signal: AbortSignal,
  ): Promise<PublishOutcome[]>
  removeDead?(channel: ChannelRef, refs: readonly string[], signal: AbortSignal): Promise<number>
  /** `pause`: a flag that every reader obeys; publishing goes on. */
  pause?(channel: ChannelRef, paused: boolean, signal: AbortSignal): Promise<void>
  /** `seek`: moves a group; what it holds now is lost to its readers. */
  seek?(channel: ChannelRef, group: string, to: Place, signal: AbortSignal): Promise<void>
  /** `manage`, this and the rest. */
  channels?(query: PageQuery & { prefix: string }, signal: AbortSignal): Promise<Page<ChannelInfo>>
  /** Removes what waits (not what is in flight); returns how many. */
  purge?(channel: ChannelRef, signal: AbortSignal): Promise<number>
  remove?(channel: ChannelRef, signal: AbortSignal): Promise<void>
  removeGroup?(channel: ChannelRef, group: string, signal: AbortSignal): Promise<void>
  removeMessage?(channel: ChannelRef, id: string, signal: AbortSignal): Promise<boolean>
}
