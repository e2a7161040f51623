import type { Admin } from './admin.ts'
import type { ChannelSpec, ReaderSpec } from './channel.ts'
import type { Contract, ContractRow, Contracts } from './contract.ts'
import type { NarrowcastError } from './errors.ts'
import type { Live } from './live.ts'
import type {
  Delivery,
  OutgoingMessage,
  PublishOutcome,
  Settlement,
  SettleOutcome,
  Token,
} from './message.ts'

export type * from './admin.ts'
export type * from './live.ts'

/**
 * A small honest adapter to one kind of broker. It never retries, never reconnects, never logs,
 * and never holds more than it was told; all of that is written once, in the runtime.
 */
export interface Driver<C extends Contracts = Contracts> {
  readonly name: string
  /** The most it can promise. */
  readonly contracts: C
  /** What to do about a no of its contract, by the fact that says it, or the row that is not there. */
  readonly advice?: Readonly<Partial<Record<keyof Contract | ContractRow, string>>>
  /** @throws CONNECT_FAILED, LOGIN_REFUSED, STORE_UNUSABLE, … */
  open(on: SessionEvents, signal: AbortSignal): Promise<Session>
}

export interface SessionEvents {
  /** Called once, after which everything opened from the session is closed too. */
  closed(error: NarrowcastError): void
  /** The broker holds back whoever publishes, and why; null: no longer. Reading goes on. */
  blocked?(why: NarrowcastError | null): void
}

export interface BrokerInfo {
  readonly product: string
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  readonly warnings: readonly string[]
  /** What the broker does not tell. The contract claims nothing that rests on it. */
  readonly unknown: readonly { readonly fact: string; readonly why: string }[]
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
  /**
   * The consume-dedupe store of one channel and group; absent where the contract says no. `windowMs`:
   * the longest that an id is kept there.
   */
  marks?(channel: ChannelSpec, group: string | null, windowMs: number): Marks
  /** Broadcast and narrowcast; absent where no contract row offers them. */
  readonly live?: Live
  /**
   * Where all that was handed over is charged when this process dies, received or not (`isBegun` from
   * the start). Quiet: its sources give back, uncharged, what no `receive` has returned, and take
   * nothing until it is over. Resolves when that is done, or after a while; never rejects.
   */
  quiet?(isQuiet: boolean): Promise<void>
  readonly admin: Admin
}

export interface Publisher extends AsyncDisposable {
  /**
   * One outcome per message, in their order; one bad message never spoils its neighbours.
   * Rejects only with INVALID_ARGUMENT or CLOSED, before anything has left.
   */
  publish(batch: readonly OutgoingMessage[], signal: AbortSignal): Promise<PublishOutcome[]>
}

export interface Room {
  readonly messages: number
  readonly bytes: number
  /** Work begins at once: what has no crashes may be marked so with the take itself. */
  readonly begins?: boolean
}

export interface Source extends AsyncDisposable {
  /** What holds, in ms; may be less than wished. */
  readonly leaseMs: number
  /**
   * Waits for at least one delivery, never more than `room`; one message may exceed its bytes
   * alone. One call at a time. An abort resolves at once with what was taken: it never rejects
   * for it and never drops.
   */
  receive(room: Room, signal: AbortSignal): Promise<Delivery[]>
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
