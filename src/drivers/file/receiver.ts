import type { ReaderSpec } from '../../core/channel.ts'
import type { Room } from '../../core/driver.ts'
import type { Delivery } from '../../core/message.ts'
import { orderConflict } from '../../core/orderConflict.ts'
import type { ChannelRow } from './channels.ts'
import { isWorthTaking, nextDueMs } from './look.ts'
import type { Losses, LostTokens } from './lostTokens.ts'
import { promoteDue } from './promote.ts'
import { expireSelf, type ReaderState } from './readers.ts'
import { reclaimExpired } from './reclaim.ts'
import { Sleeper } from './sleeper.ts'
import { readStore, type Store } from './store.ts'
import { readHeld, readTaken, type Taken, take } from './take.ts'
import { takeByKey } from './takeByKey.ts'
import { awaken, lookMs } from './waiting.ts'

/** What a source and its parts have in common. */
export interface Subscription {
  readonly store: Store
  readonly channel: ChannelRow
  readonly group: number
  readonly spec: ReaderSpec
  /** The row of the reader. */
  readonly reader: number
  readonly leaseMs: number
  readonly lost: LostTokens
  /** Inside a transaction; undefined when channel or group are gone. @throws CLOSED */
  readonly state: () => ReaderState | undefined
}

interface TakeResult {
  readonly taken: Taken | null
  readonly isBegun: boolean
  /** Nothing was taken, but not everything was looked at. */
  readonly isMore: boolean
  readonly ownedUntilMs: number
  readonly bells: readonly string[]
  /** When the next delayed message becomes due. */
  readonly dueMs: number
  readonly losses: Losses
}

/** More are not taken in one transaction, whatever the room. */
const takeMax = 1_000

/** Takes messages for one reader, and waits for them without polling. */
export class Receiver {
  readonly #of: Subscription
  readonly #sleeper: Sleeper
  #isRung = false
  #isStopped = false
  #stopListening: (() => void) | null = null
  /** When leases of others are looked at next. */
  #nextExpiryMs = 0

  constructor(of: Subscription) {
    this.#of = of
    this.#sleeper = new Sleeper(of.store.time.clock)
  }

  /** Takes at least one, or nothing when aborted or stopped; null: the group is gone. */
  async next(room: Room, signal: AbortSignal): Promise<Delivery[] | null> {
    const wake = () => this.#sleeper.wake()
    signal.addEventListener('abort', wake)
    try {
      for (;;) {
        this.#isRung = false
        const result = await this.#take(room, signal)
        if (result === 'aborted') return []
        if (!result) return null
        if (result.taken) return await this.#read(result.taken, result)
        if (!result.isMore) await this.#wait(result.dueMs, signal)
        if (signal.aborted || this.#isStopped) return []
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  /** Ends a wait, and every later one at once. */
  stop(): void {
    this.#isStopped = true
    this.rest()
  }

  /** Listens no more, unless it comes to wait again; a wait looks once more. */
  rest(): void {
    this.#isRung = true
    this.#sleeper.wake()
    this.#stopListening?.()
    this.#stopListening = null
  }

  /** Reads messages that the reader holds already. */
  async readAgain(serials: readonly number[]): Promise<Delivery[]> {
    const { store, state } = this.#of
    const [first, last] = [serials[0], serials.at(-1)]
    if (first === undefined || last === undefined) return []
    return readStore(store, 'receive', () => {
      const leftMs = (state()?.deadline_ms ?? 0) - store.time.nowMs()
      const ownedUntilMs = store.time.clock.monotonicMs() + leftMs
      const owner = this.#owner({ ownedUntilMs, isBegun: false })
      const wanted = new Set(serials)
      return readHeld(store.db, owner, first, last).filter(({ token }) => wanted.has(token.serial))
    })
  }

  async #take(room: Room, signal: AbortSignal): Promise<TakeResult | null | 'aborted'> {
    const { writer, bells } = this.#of.store
    let result: TakeResult | null
    try {
      result = await writer.run('receive', () => this.#takeOnce(room), { signal, durable: false })
    } catch (error) {
      if (signal.aborted && (error as Error).cause === signal.reason) return 'aborted'
      throw error
    }
    if (!result) return null
    this.#of.lost.tell(result.losses)
    bells.ring(result.bells)
    return result
  }

  #takeOnce(room: Room): TakeResult | null {
    const { store, group, reader, leaseMs, lost } = this.#of
    const { db, time } = store
    const nowMs = time.nowMs()
    let state = this.#of.state()
    if (!state) return null
    let isStale = expireSelf(db, state, nowMs)
    let brought = 0
    if (nowMs >= this.#nextExpiryMs) {
      const nextMs = reclaimExpired(db, group, nowMs)
      this.#nextExpiryMs = Math.min(nextMs, nowMs + lookMs)
      isStale = true
    }
    if (state.scheduled > 0) {
      brought = promoteDue(db, state.channel, nowMs)
      isStale ||= brought > 0
    }
    if (isStale) state = this.#of.state() ?? state
    const ownedUntilMs = time.clock.monotonicMs() + leaseMs
    const some = { messages: Math.min(takeMax, room.messages), bytes: room.bytes }
    const { taken, isMore } = this.#takeSome(state, some, nowMs)
    const isBegun = room.begins === true && taken?.isSuspect === false
    db.run(
      `UPDATE reader SET serial = ?2, deadline_ms = ?3, waiting = ?4, begun = max(begun, ?5)
       WHERE no = ?1`,
      reader,
      taken?.last ?? state.serial,
      Math.ceil(nowMs + leaseMs),
      taken ? 0 : 1,
      isBegun ? taken.last : 0,
    )
    return {
      ...{ taken, isBegun },
      isMore,
      ownedUntilMs,
      bells: brought > 0 ? awaken(db, state.channel, brought) : [],
      dueMs: taken || state.paused ? Number.POSITIVE_INFINITY : nextDueMs(db, state),
      losses: lost.look(db, reader, state.lost),
    }
  }

  /** @throws CONFLICT when the group was given another order while this reader slept. */
  #takeSome(state: ReaderState, room: Room, nowMs: number) {
    const { store, channel, spec } = this.#of
    const { ordering, paused } = state
    if (spec.order !== null && spec.order !== ordering) {
      throw orderConflict('file', channel, spec.group, spec.order, ordering)
    }
    if (paused) return { taken: null, isMore: false }
    if (ordering !== 'none') return takeByKey(store.db, this.#taker(), state, room, nowMs)
    return { taken: take(store.db, this.#taker(), state, room, nowMs), isMore: false }
  }

  #taker() {
    const { channel, group, reader, spec } = this.#of
    return { channel: channel.no, group, reader, charge: spec.charge }
  }

  #owner({ ownedUntilMs, isBegun }: Pick<TakeResult, 'ownedUntilMs' | 'isBegun'>) {
    const { channel, reader, spec } = this.#of
    return {
      name: spec.reader,
      channelName: channel.name,
      channel: channel.no,
      reader,
      ...{ ownedUntilMs, isBegun },
    }
  }

  #read(taken: Taken, result: TakeResult): Promise<Delivery[]> {
    const { store } = this.#of
    return readStore(store, 'receive', () => readTaken(store.db, this.#owner(result), taken))
  }

  /** Until something rings, is due, or a second has passed and a look finds something. */
  async #wait(dueMs: number, signal: AbortSignal): Promise<void> {
    const { store, reader, leaseMs } = this.#of
    const { bells, time, db } = store
    this.#stopListening ??= bells.listen(() => {
      this.#isRung = true
      this.#sleeper.wake()
    })
    const isOver = () => this.#isRung || signal.aborted || this.#isStopped
    for (let nextMs = dueMs; !isOver(); ) {
      await this.#sleeper.sleep(Math.max(1, Math.min(lookMs, nextMs - time.nowMs())))
      if (isOver()) return
      const found = await readStore(store, 'receive', () =>
        isWorthTaking(db, reader, time.nowMs(), leaseMs),
      )
      if (found.isWorth) return
      nextMs = found.dueMs
    }
  }
}
