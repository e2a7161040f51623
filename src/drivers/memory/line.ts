import type { Ordering } from '../../core/channel.ts'
import type { LostWhy, Room } from '../../core/driver.ts'
import type { Delivery, Settlement, SettleOutcome, Token } from '../../core/message.ts'
import { Alarm } from './alarm.ts'
import type { LineHost } from './lineHost.ts'
import type { Item, Stored } from './message.ts'
import { Places } from './places.ts'
import type { Reader } from './reader.ts'

interface Waiter {
  readonly reader: Reader
  readonly room: Room
  readonly end: (deliveries: Delivery[]) => void
}

/**
 * Who gets what, in which order: a queue has one line, a stream one for each group. All that
 * happens here ends in the turn in which it is called; only `wait` takes time.
 */
export class Line {
  readonly group: string | null
  readonly readers = new Map<string, Reader>()
  readonly places = new Places()
  isRemoved = false
  inFlight = 0
  order: Ordering = 'none'
  readonly #host: LineHost
  readonly #alarm: Alarm
  readonly #waiters: Waiter[] = []
  /** Untouched messages begin here; `#fresh` of them may be handed out. */
  #cursor = 0
  #fresh = 0
  /** Delayed ones that came and ended before the cursor reached where they lie. */
  readonly #endedAhead = new Set<number>()
  /** No lease of a reader that holds something ends before this. */
  #deadlineMs = Number.POSITIVE_INFINITY

  constructor(group: string | null, host: LineHost, cursor: number) {
    this.group = group
    this.#host = host
    this.#alarm = new Alarm(host.clock, () => this.offer())
    this.moveTo(cursor)
  }

  get waiting(): number {
    return this.ready + this.places.behind
  }

  /** What the next taker could be given. */
  get ready(): number {
    return this.#fresh + this.places.ready
  }

  /** Everything before this sequence number is settled here. */
  get settledBefore(): number {
    return Math.min(this.#cursor, this.places.firstSeq)
  }

  /**
   * From now on it hands out in this order. False beside a live reader other than `name`, or while
   * anybody has a message in hand: nothing was changed then.
   */
  setOrder(order: Ordering, name: string): boolean {
    if (order === this.order) return true
    const now = this.#host.clock.monotonicMs()
    const others = [...this.readers.values()].filter((reader) => reader.name !== name)
    if (this.inFlight > 0 || others.some((reader) => reader.isLive(now))) return false
    const isByKey = order !== 'none'
    if (isByKey !== (this.order !== 'none')) this.places.arrange(isByKey)
    this.order = order
    this.#placeFresh()
    return true
  }

  /** A message was published. */
  added(stored: Stored): void {
    if (this.order !== 'none') this.places.promote(this.#host.clock.monotonicMs())
    if (stored.dueMs > 0) this.places.enter(stored, stored.dueMs)
    else this.#fresh++
    this.#placeFresh()
  }

  /** A dead letter comes back to this line alone. */
  insert(stored: Stored): void {
    this.places.makeReady(this.places.touch(stored))
  }

  /** Begins anew at `cursor`; only what came in by `insert` stays. */
  moveTo(cursor: number): void {
    const { log, clock } = this.#host
    const kept = this.places.values().filter(({ stored }) => log.get(stored.seq) !== stored)
    this.#revokeAll('revoked')
    this.places.clear()
    for (const { stored } of kept) this.insert(stored)
    this.#endedAhead.clear()
    this.#cursor = cursor
    this.#fresh = 0
    for (const stored of log.values(cursor)) {
      if (stored.dueMs > clock.monotonicMs()) this.places.enter(stored, stored.dueMs)
      else this.#fresh++
    }
    this.#placeFresh()
  }

  /** Forgets all that nobody has in hand. */
  purge(): void {
    this.places.purge()
    this.#endedAhead.clear()
    this.#fresh = 0
    this.#cursor = Math.max(this.#cursor, this.#host.log.lastKey(Number.MAX_SAFE_INTEGER) + 1)
  }

  /** The message leaves, whoever has it. */
  remove(stored: Stored): void {
    const item = this.places.get(stored.seq)
    if (!item) {
      if (stored.seq >= this.#cursor) this.#fresh--
      return
    }
    this.places.end(item)
    if (!item.owner) return
    this.inFlight--
    const { speaker } = item.owner
    speaker.lost([item.owner.takeAway(item)], 'cancelled')
  }

  /** The line is gone: nothing of it comes again, and whoever waits must look anew. */
  close(): void {
    this.isRemoved = true
    this.#revokeAll('cancelled')
    for (const reader of this.readers.values()) {
      reader.endWait?.()
      this.#forget(reader)
    }
    this.#alarm.stop()
  }

  /** `reader` has shown that it lives. */
  extend(reader: Reader): void {
    reader.deadlineMs = this.#host.clock.monotonicMs() + reader.leaseMs
  }

  /** The reader ends in order: what it holds goes back, and nobody is charged. */
  leave(reader: Reader): void {
    if (this.readers.get(reader.name) !== reader) return
    const items = [...reader.held.values()]
    for (const item of items) reader.takeAway(item)
    this.#giveBack(items)
    this.#forget(reader)
    if (this.readers.size === 0) this.#alarm.stop()
    this.offer()
  }

  /** What is ready now and fits; possibly nothing. */
  take(reader: Reader, room: Room): Delivery[] {
    const again = reader.giveAgain(room)
    if (again.length > 0 || this.#host.isPaused) return again
    const { places } = this
    const deliveries: Delivery[] = []
    const { hasSuspects } = places
    const crashes = places.peek()?.crashes
    const isAlone = hasSuspects && reader.charge === 'taken'
    const most = isAlone ? 1 : room.messages
    let bytes = 0
    while (deliveries.length < most) {
      const item = places.peek()
      if (hasSuspects && item?.crashes !== crashes) break
      const stored = item?.stored ?? this.#untouched()
      if (!stored) break
      bytes += stored.message.bytes
      if (deliveries.length > 0 && bytes > room.bytes) break
      if (reader.held.size === 0) this.extend(reader)
      const isBegun = room.begins && !hasSuspects
      deliveries.push(reader.give(item ? this.#popped(item) : this.#touched(stored), isBegun))
    }
    this.inFlight += deliveries.length
    if (deliveries.length > 0) this.#deadlineMs = Math.min(this.#deadlineMs, reader.deadlineMs)
    return deliveries
  }

  /** Waits for at least one delivery; an abort ends it with none, and so does `endWait`. */
  wait(reader: Reader, room: Room, signal: AbortSignal): Promise<Delivery[]> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        reader,
        room,
        end: (deliveries) => {
          signal.removeEventListener('abort', endWait)
          reader.endWait = null
          if (reader.held.size === 0) this.extend(reader)
          resolve(deliveries)
        },
      }
      const endWait = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        waiter.end([])
      }
      signal.addEventListener('abort', endWait)
      reader.endWait = endWait
      this.#waiters.push(waiter)
      this.#setAlarm()
    })
  }

  settle(reader: Reader, settlement: Settlement): SettleOutcome {
    const { token } = settlement
    if (token.reader !== reader.name) return 'late'
    const item = reader.held.get(token.serial)
    if (!item) return reader.answer(token.serial)
    reader.drop(item)
    this.inFlight--
    if (settlement.kind === 'ack' || settlement.kind === 'dead') {
      this.places.end(item)
      this.#host.ended(this, item.stored, settlement)
      const { seq, dueMs } = item.stored
      const isAhead = dueMs > 0 && seq >= this.#cursor
      if (isAhead && this.#host.log.get(seq)) this.#endedAhead.add(seq)
      return 'settled'
    }
    if (settlement.kind === 'retry') {
      item.failures = settlement.failures
      const firstFailedMs = item.past?.firstFailedMs ?? settlement.error.atMs
      item.past = { firstFailedMs, last: settlement.error }
    }
    if (settlement.delayMs > 0 && settlement.kind === 'retry' && this.order === 'skip') {
      this.places.stepAside(item)
    }
    if (settlement.delayMs <= 0) this.places.makeReady(item)
    else this.places.schedule(item, this.#host.clock.monotonicMs() + settlement.delayMs)
    return 'settled'
  }

  /** Lets time do its work, and hands out what is ready to those who wait, the longest first. */
  offer(): void {
    this.#tick()
    for (let asked = this.#waiters.length; asked > 0 && this.ready > 0; asked--) {
      const waiter = this.#waiters.shift() as Waiter
      const deliveries = this.take(waiter.reader, waiter.room)
      if (deliveries.length > 0) waiter.end(deliveries)
      else this.#waiters.push(waiter)
    }
    this.#setAlarm()
  }

  /** Monotonic time since which the oldest waiting message waits; Infinity when none does. */
  oldestMs(): number {
    const behind = this.places
      .oldestBehind()
      .map(({ storedMs, dueMs }) => Math.max(storedMs, dueMs))
    return Math.min(this.oldestReadyMs(), ...behind)
  }

  /** The same of what the next taker could be given. */
  oldestReadyMs(): number {
    const untouched = this.#untouched()
    const candidates = untouched ? [untouched, ...this.places.oldest()] : this.places.oldest()
    return candidates.reduce(
      (oldest, { storedMs, dueMs }) => Math.min(oldest, Math.max(storedMs, dueMs)),
      Number.POSITIVE_INFINITY,
    )
  }

  /** What is due becomes ready, what a dead reader held comes back. */
  #tick(): void {
    const now = this.#host.clock.monotonicMs()
    this.places.promote(now)
    if (now < this.#deadlineMs) return
    this.#deadlineMs = Number.POSITIVE_INFINITY
    for (const reader of this.readers.values()) {
      if (reader.held.size === 0) continue
      if (now >= reader.deadlineMs) this.#expire(reader)
      else this.#deadlineMs = Math.min(this.#deadlineMs, reader.deadlineMs)
    }
  }

  #popped(item: Item): Item {
    this.places.pop()
    return item
  }

  #touched(stored: Stored): Item {
    this.#cursor = stored.seq + 1
    this.#fresh--
    return this.places.touch(stored)
  }

  #untouched(): Stored | undefined {
    if (this.#fresh === 0) return undefined
    for (;;) {
      const stored = this.#host.log.get(this.#cursor)
      if (stored && (stored.dueMs === 0 || !this.#hasPlace(stored.seq))) return stored
      this.#cursor = this.#host.log.firstKey(this.#cursor + 1)
    }
  }

  /** By key a message has its place from its first moment on: what is behind is not looked at again. */
  #placeFresh(): void {
    if (this.order === 'none') return
    for (let next = this.#untouched(); next; next = this.#untouched()) {
      this.places.makeReady(this.#touched(next))
    }
  }

  /** One that was published with a delay has its place from its first moment on. */
  #hasPlace(seq: number): boolean {
    return this.places.get(seq) !== undefined || this.#endedAhead.delete(seq)
  }

  #giveBack(items: readonly Item[]): void {
    this.inFlight -= items.length
    for (const item of items) this.places.makeReady(item)
  }

  #expire(reader: Reader): void {
    const items = [...reader.held.values()]
    for (const item of items) if (reader.isCharged(item.serial)) item.crashes++
    const tokens = items.map((item) => reader.takeAway(item))
    reader.again = []
    if (!reader.endWait) this.#forget(reader)
    if (tokens.length > 0) reader.speaker.lost(tokens, 'expired')
    this.#giveBack(items)
  }

  #forget(reader: Reader): void {
    this.readers.delete(reader.name)
    this.#host.useSerials(reader.lastSerial)
  }

  #revokeAll(why: LostWhy): void {
    for (const reader of this.readers.values()) {
      const tokens: Token[] = []
      for (const item of [...reader.held.values()]) tokens.push(reader.takeAway(item))
      reader.again = []
      this.inFlight -= tokens.length
      if (tokens.length > 0) reader.speaker.lost(tokens, why)
    }
  }

  /** One alarm serves all who wait: for the next due time, or the end of a lease. */
  #setAlarm(): void {
    if (this.#waiters.length === 0) return
    this.#alarm.set(Math.min(this.places.nextDueMs, this.#deadlineMs))
  }
}
