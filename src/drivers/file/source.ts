import type { ReaderSpec } from '../../core/channel.ts'
import type { Source, SourceEvents } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../core/message.ts'
import { type ChannelRow, notFound } from './channels.ts'
import { isWorthTaking, nextDueMs } from './look.ts'
import { promoteDue } from './promote.ts'
import {
  expireSelf,
  lostSince,
  type OpenedReader,
  type ReaderState,
  type Regained,
  readerState,
} from './readers.ts'
import { endReader, giveBack, reclaimExpired } from './reclaim.ts'
import { settle } from './settle.ts'
import { readStore, type Store } from './store.ts'
import { type Room, readHeld, readTaken, type Taken, take } from './take.ts'
import { awaken, lookMs } from './waiting.ts'

interface TakeResult {
  readonly taken: Taken | null
  readonly ownedUntilMs: number
  readonly bells: readonly string[]
  /** When the next delayed message becomes due. */
  readonly dueMs: number
  readonly lost: Lost
}

type Lost = ReturnType<typeof lostSince>

/** One subscription on the store. */
export class FileSource implements Source {
  readonly leaseMs: number
  readonly #store: Store
  readonly #channel: ChannelRow
  readonly #group: number
  readonly #spec: ReaderSpec
  readonly #reader: number
  readonly #opened: number
  readonly #on: SourceEvents
  readonly #closed: () => void
  #regained: readonly Regained[]
  #receiving: Promise<Delivery[]> | null = null
  #wake: () => void = () => undefined
  #isRung = false
  #stopListening: (() => void) | null = null
  #isStopped = false
  #closing: Promise<void> | null = null
  #nextExpiryMs = 0
  #lostCount = 0
  readonly #lostTold = new Set<number>()
  #lostForRenew: Token[] = []

  constructor(
    store: Store,
    channel: ChannelRow,
    group: number,
    spec: ReaderSpec,
    opened: OpenedReader,
    on: SourceEvents,
    closed: () => void,
  ) {
    this.leaseMs = spec.leaseMs
    this.#store = store
    this.#channel = channel
    this.#group = group
    this.#spec = spec
    this.#reader = opened.no
    this.#opened = opened.opened
    this.#regained = opened.regained
    this.#on = on
    this.#closed = closed
    this.#noteLost(opened.lost.map((token) => ({ token, why: 'expired' as const })))
  }

  receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    if (this.#receiving !== null)
      return Promise.reject(this.#error('INVALID_ARGUMENT', 'receive is open'))
    if (this.#closing !== null || this.#isStopped) {
      return Promise.reject(this.#error('CLOSED', 'receive: this source was stopped'))
    }
    if (!(room.messages >= 1 && room.bytes >= 1)) {
      const text = `room for ${room.messages} messages and ${room.bytes} bytes; expected at least 1`
      return Promise.reject(this.#error('INVALID_ARGUMENT', text))
    }
    const receiving = this.#receive(room, signal).finally(() => {
      this.#receiving = null
    })
    this.#receiving = receiving
    return receiving
  }

  async settle(batch: readonly Settlement[], signal: AbortSignal): Promise<SettleOutcome[]> {
    this.#checkOpen('settle')
    const { db, writer, time, bells } = this.#store
    const done = await writer.run(
      'settle',
      () => {
        const nowMs = time.nowMs()
        const state = this.#state()
        if (!state) return null
        expireSelf(db, state, nowMs)
        const settler = {
          channel: this.#channel.no,
          group: this.#group,
          reader: this.#reader,
          name: this.#spec.reader,
          serial: state.serial,
          isQueue: this.#channel.pattern === 'queue',
        }
        const settled = settle(db, settler, batch, nowMs)
        const isSoon = settled.returned > 0 && settled.dueMs - nowMs <= lookMs * 1.5
        return {
          outcomes: settled.outcomes,
          bells: isSoon ? awaken(db, this.#channel.no, Number.POSITIVE_INFINITY) : [],
          lost: this.#newlyLost(this.#state()?.lost ?? 0),
        }
      },
      { signal },
    )
    if (!done) return this.#removed(batch)
    this.#noteLost(done.lost)
    bells.ring(done.bells)
    return done.outcomes
  }

  async renew(begun: Token | null, signal: AbortSignal): Promise<Token[]> {
    this.#checkOpen('renew')
    const { db, writer, time } = this.#store
    const lost = await writer.run(
      'renew',
      () => {
        const nowMs = time.nowMs()
        const state = this.#state()
        if (!state) return null
        expireSelf(db, state, nowMs)
        const begunTo = begun?.reader === this.#spec.reader ? begun.serial : 0
        db.run(
          'UPDATE reader SET deadline_ms = ?2, begun = max(begun, ?3) WHERE no = ?1',
          this.#reader,
          this.#deadlineMs(nowMs),
          Math.min(begunTo, state.serial),
        )
        return this.#newlyLost(readerState(db, this.#reader)?.lost ?? 0)
      },
      { signal, durable: false },
    )
    if (!lost) {
      this.#removed([])
      return []
    }
    this.#noteLost(lost)
    return this.#lostForRenew.splice(0)
  }

  async stop(): Promise<Delivery[]> {
    await this.#endReceive()
    const rest = this.#regained
    this.#regained = []
    return this.#deliverRegained(rest)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #endReceive(): Promise<void> {
    this.#isStopped = true
    this.#wake()
    await this.#receiving?.catch(() => undefined) // its own caller is told
  }

  async #close(): Promise<void> {
    await this.#endReceive()
    this.#stopListening?.()
    this.#closed()
    const { db, writer, bells, time } = this.#store
    for (let isMore = true; isMore; ) {
      const step = await writer.run('close', () => {
        const state = readerState(db, this.#reader)
        if (!state || state.opened !== this.#opened) return { isMore: false, bells: [] }
        const given = giveBack(db, state, null, false)
        if (given > 0) return { isMore: true, bells: awaken(db, this.#channel.no, given) }
        endReader(db, this.#reader, time.nowMs())
        return { isMore: false, bells: [] }
      })
      bells.ring(step.bells)
      isMore = step.isMore
    }
  }

  async #receive(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    const wake = () => this.#wake()
    signal.addEventListener('abort', wake)
    try {
      while (!signal.aborted && !this.#isStopped) {
        if (this.#regained.length > 0) return this.#deliverRegained(this.#pickRegained(room))
        this.#isRung = false
        const result = await this.#take(room, signal)
        if (!result) break
        if (result.taken) return await this.#read(result.taken, result.ownedUntilMs)
        await this.#wait(result.dueMs, signal)
      }
      return []
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  /** Null when aborted before the lock was had. */
  async #take(room: Room, signal: AbortSignal): Promise<TakeResult | null> {
    const { writer, bells } = this.#store
    let result: TakeResult | null
    try {
      result = await writer.run('receive', () => this.#takeOnce(room), { signal, durable: false })
    } catch (error) {
      if (signal.aborted && (error as NarrowcastError).code === 'ABORTED') return null
      throw error
    }
    if (!result) {
      this.#removed([])
      throw notFound('receive', this.#channel.name, 'the channel or the group was removed')
    }
    this.#noteLost(result.lost)
    bells.ring(result.bells)
    return result
  }

  #takeOnce(room: Room): TakeResult | null {
    const { db, time } = this.#store
    const nowMs = time.nowMs()
    let state = this.#state()
    if (!state) return null
    let isStale = expireSelf(db, state, nowMs)
    let brought = 0
    if (nowMs >= this.#nextExpiryMs) {
      const nextMs = reclaimExpired(db, this.#group, nowMs)
      this.#nextExpiryMs = Math.min(nextMs, nowMs + lookMs)
      isStale = true
    }
    if (state.scheduled > 0) {
      brought = promoteDue(db, state.channel, nowMs)
      isStale ||= brought > 0
    }
    if (isStale) state = readerState(db, this.#reader) ?? state
    const ownedUntilMs = time.clock.monotonicMs() + this.leaseMs
    const taken = state.paused ? null : take(db, this.#taker(), state, room, nowMs)
    db.run(
      'UPDATE reader SET serial = ?2, deadline_ms = ?3, waiting = ?4 WHERE no = ?1',
      this.#reader,
      taken?.last ?? state.serial,
      this.#deadlineMs(nowMs),
      taken ? 0 : 1,
    )
    return {
      taken,
      ownedUntilMs,
      bells: brought > 0 ? awaken(db, state.channel, brought) : [],
      dueMs: taken || state.paused ? Number.POSITIVE_INFINITY : nextDueMs(db, state),
      lost: this.#newlyLost(state.lost),
    }
  }

  /** @throws CLOSED when another source was opened for the same reader. */
  #state(): ReaderState | undefined {
    const state = readerState(this.#store.db, this.#reader)
    if (!state || state.opened === this.#opened) return state
    throw this.#error('CLOSED', `another source was opened for reader ${this.#spec.reader}`)
  }

  #taker() {
    return {
      channel: this.#channel.no,
      group: this.#group,
      reader: this.#reader,
      charge: this.#spec.charge,
    }
  }

  #owner(ownedUntilMs: number) {
    return {
      name: this.#spec.reader,
      channelName: this.#channel.name,
      channel: this.#channel.no,
      reader: this.#reader,
      ownedUntilMs,
    }
  }

  #read(taken: Taken, ownedUntilMs: number): Promise<Delivery[]> {
    const { db } = this.#store
    return readStore(this.#store, 'receive', () => readTaken(db, this.#owner(ownedUntilMs), taken))
  }

  /** Until something rings, is due, or a second has passed and a look finds something. */
  async #wait(dueMs: number, signal: AbortSignal): Promise<void> {
    const { bells, time, db } = this.#store
    this.#stopListening ??= bells.listen(() => {
      this.#isRung = true
      this.#wake()
    })
    const isOver = () => this.#isRung || signal.aborted || this.#isStopped
    let nextMs = dueMs
    while (!isOver()) {
      const sleepMs = Math.max(1, Math.min(lookMs, nextMs - time.nowMs()))
      const sleep = new AbortController()
      this.#wake = () => sleep.abort()
      await time.clock.sleep(sleepMs, sleep.signal)
      this.#wake = () => undefined
      if (isOver()) return
      const found = await readStore(this.#store, 'receive', () =>
        isWorthTaking(db, this.#reader, time.nowMs(), this.leaseMs),
      )
      if (found.isWorth) return
      nextMs = found.dueMs
    }
  }

  /** Suspects apart from the healthy, as `take` does it. */
  #pickRegained(room: Room): readonly Regained[] {
    const first = this.#regained.find(({ crashes }) => crashes > 0) ?? this.#regained[0]
    const most = first && first.crashes > 0 && this.#spec.charge === 'taken' ? 1 : room.messages
    const picked: Regained[] = []
    let bytes = 0
    for (const one of this.#regained) {
      if (one.crashes !== first?.crashes) continue
      if (picked.length >= most || (picked.length > 0 && bytes + one.bytes > room.bytes)) break
      bytes += one.bytes
      picked.push(one)
    }
    this.#regained = this.#regained.filter((one) => !picked.includes(one))
    return picked
  }

  async #deliverRegained(picked: readonly Regained[]): Promise<Delivery[]> {
    const { db, time } = this.#store
    const [first, last] = [picked[0], picked.at(-1)]
    if (!first || !last) return []
    const state = await readStore(this.#store, 'receive', () => readerState(db, this.#reader))
    const leftMs = (state?.deadline_ms ?? 0) - time.nowMs()
    const owner = this.#owner(time.clock.monotonicMs() + leftMs)
    const serials = new Set(picked.map(({ serial }) => serial))
    const held = await readStore(this.#store, 'receive', () =>
      readHeld(db, owner, first.serial, last.serial),
    )
    return held.filter(({ token }) => serials.has(token.serial))
  }

  #deadlineMs(nowMs: number): number {
    return Math.ceil(nowMs + this.leaseMs)
  }

  /** Inside a transaction. */
  #newlyLost(count: number): Lost {
    if (count === this.#lostCount) return []
    return lostSince(this.#store.db, this.#reader, this.#spec.reader, this.#lostTold)
  }

  #noteLost(lost: Lost): void {
    for (const why of new Set(lost.map((one) => one.why))) {
      const tokens = lost.filter((one) => one.why === why).map(({ token }) => token)
      for (const { serial } of tokens) this.#lostTold.add(serial)
      this.#lostCount += tokens.length
      this.#lostForRenew.push(...tokens)
      this.#on.lost(tokens, why)
    }
  }

  /** The channel or the group is gone, and all that this reader held with it. */
  #removed(batch: readonly Settlement[]): SettleOutcome[] {
    this.#on.lost('all', 'cancelled')
    return batch.map(() => 'late')
  }

  #checkOpen(operation: string): void {
    this.#store.checkOpen(operation)
    if (this.#closing !== null) throw this.#error('CLOSED', `${operation}: this source was closed`)
  }

  #error(code: 'CLOSED' | 'INVALID_ARGUMENT', text: string): NarrowcastError {
    return new NarrowcastError(code, `file: source of "${this.#channel.name}": ${text}`, {
      driver: 'file',
      channel: this.#channel.name,
    })
  }
}
