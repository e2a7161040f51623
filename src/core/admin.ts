import type { ChannelRef, ChannelSpec, Ordering } from './channel.ts'
import type {
  Count,
  DeadLetter,
  IncomingMessage,
  Pattern,
  Place,
  PublishOutcome,
} from './message.ts'

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
  /** Where the broker has measured them itself, and does not tell the totals. */
  readonly rates?: Rates
  /** Age of the oldest waiting message. */
  readonly oldestMs: Count
  readonly paused: boolean
  /** In which a queue hands out; null on a stream, whose groups have their own. */
  readonly order: Ordering | null
}

/** Messages a second. */
export interface Rates {
  readonly inPerS: number
  readonly outPerS: number
  /** They may be so old, and so may be what is in flight. */
  readonly lagMs: number
}

export interface GroupInfo {
  readonly group: string
  readonly lag: Count
  readonly inFlight: Count
  readonly oldestMs: Count
  readonly readers: Count
  readonly position: string | null
  readonly order: Ordering
  /** Where the channel lies in partitions: how far it is in each. */
  readonly partitions?: readonly PartitionLag[]
}

export interface PartitionLag {
  readonly partition: number
  readonly lag: Count
  /** Of the first that the group has not passed. */
  readonly position: string
}

export interface Stored {
  readonly message: IncomingMessage
  readonly state: 'waiting' | 'in-flight' | 'scheduled'
  readonly position?: string
  readonly worker?: string
  readonly failures: number
  readonly crashes: Count
  readonly redrives: number
  /** Redriven to this group of a stream alone: the others pass it by. */
  readonly group?: string
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
  /** `manage` beyond `'named'`. */
  channels?(query: PageQuery & { prefix: string }, signal: AbortSignal): Promise<Page<ChannelInfo>>
  /**
   * `manage`. What is there under that very name, null: nothing. Absent where the list tells it as
   * well.
   */
  find?(name: string, signal: AbortSignal): Promise<ChannelInfo | null>
  /**
   * `manage`, this and the next two. Removes what waits (not what is in flight); returns how many.
   */
  purge?(channel: ChannelRef, signal: AbortSignal): Promise<number>
  remove?(channel: ChannelRef, signal: AbortSignal): Promise<void>
  removeGroup?(channel: ChannelRef, group: string, signal: AbortSignal): Promise<void>
  /** `manage`, and `peek: 'exact'`: one removes what one can see. */
  removeMessage?(channel: ChannelRef, id: string, signal: AbortSignal): Promise<boolean>
}
