import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { Room } from '../../../core/driver.ts'
import type { Delivery } from '../../../core/message.ts'
import { orderConflict } from '../../../core/orderConflict.ts'
import type { Context } from '../session.ts'
import { lookMs, Waiting } from '../waiting.ts'
import { promoteDelayed } from './delayed.ts'
import type { HeldEntry } from './hand.ts'
import type { Holding } from './holding.ts'
import { Idleness } from './idleness.ts'
import type { Line } from './line.ts'
import { type Look, look } from './look.ts'
import { type Noted, readNoted } from './noted.ts'
import { giveBack, passBy, reclaimExpired } from './reclaim.ts'
import { deleted, type Taken, type Took, takeBack, takeByKey, takeFresh, takeMax } from './take.ts'
import { takeBegun, takeBegunMax } from './takeBegun.ts'

export interface FetcherOptions {
  readonly context: Context
  readonly channel: ChannelSpec
  readonly line: Line
  readonly spec: ReaderSpec
  readonly holding: Holding
}

/** Takes messages for one reader, and waits for them without polling. */
export class Fetcher {
  readonly #of: FetcherOptions
  readonly #waiting = new Waiting()
  /** Taken, and not returned yet: their receive was given up. */
  #ready: Delivery[] = []
  #fetching: Promise<void> | null = null
  /** What a fetch ended with that nobody waited for any more. */
  #failure: { readonly error: unknown } | null = null
  #isStopped = false
  /** As far as known there is nothing but the stream to take from. */
  #isPlain = false
  readonly #idleness = new Idleness()
  /** In doubt it is. */
  #isByKey = true
  #gone = 0
  #serial: number
  /** Of a message, smoothed: not much more than what fits is asked for. */
  #averageBytes = 0

  constructor(options: FetcherOptions) {
    this.#of = options
    this.#serial = Number(options.holding.opened)
  }

  get lastSerial(): number {
    return this.#serial
  }

  ring(): void {
    this.#waiting.ring()
  }

  /** Something was given back: it comes before what is new. */
  expectBack(): void {
    this.#isPlain = false
  }

  /** What is held may stand at the head of its key. */
  get isByKey(): boolean {
    return this.#isByKey
  }

  get isResting(): boolean {
    return this.#fetching === null
  }

  /** The next receive is told. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  /** At least one; nothing only when the signal fires, or it is stopped. */
  async next(room: Room, signal: AbortSignal): Promise<Delivery[]> {
    const aborted = Promise.withResolvers<void>()
    const abort = () => {
      aborted.resolve()
      this.#waiting.ring()
    }
    signal.addEventListener('abort', abort)
    try {
      while (!signal.aborted) {
        const ready = this.#takeReady(room)
        if (ready.length > 0 || this.#isStopped) return ready
        this.#throwFailure()
        this.#fetching ??= this.#fetch(room, signal)
        await Promise.race([this.#fetching, aborted.promise])
      }
      return this.#takeReady(room)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** Ends a wait; resolves with all that was taken and not returned. */
  async stop(): Promise<Delivery[]> {
    this.#isStopped = true
    this.#waiting.end()
    await this.#fetching
    return this.#ready.splice(0)
  }

  /** Never rejects: what it fails with is kept for the receive that comes. */
  async #fetch(room: Room, signal: AbortSignal): Promise<void> {
    try {
      const quietMs = this.#idleness.quietMs()
      const dueInMs = (this.#isPlain ? quietMs : null) ?? (await this.#take(room))
      if (dueInMs === null || signal.aborted) return
      this.#idleness.waits()
      await this.#waiting.wait(dueInMs)
    } catch (error) {
      this.fail(error)
    } finally {
      this.#fetching = null
    }
  }

  /** Takes once; how long there is nothing to do, or null when something was taken or is there. */
  async #take(room: Room): Promise<number | null> {
    const { line, spec, holding, context, channel } = this.#of
    this.#tellGone()
    this.#waiting.prepare()
    const askedMs = performance.now()
    const isSaid = this.#idleness.isSaid
    const count = this.#countFor(room)
    const present = holding.opened
    const begins = this.#mayBegin(room, count) ? this.#serial + 1 : null
    const { reader, leaseMs } = spec
    const wish = { reader, leaseMs, opened: present, isIdle: isSaid }
    const [seen, read] =
      begins === null
        ? await Promise.all([
            look(line, wish),
            this.#isPlain ? takeFresh(line, reader, count, room) : null,
          ])
        : await takeBegun(line, { ...wish, count, room, serial: begins }, holding.hand.takeOver())
    this.#isPlain = isPlain(seen)
    if (seen.state === 'ok') this.#isByKey = seen.order !== 'none'
    if (read !== null) {
      const isTaken = seen.state === 'ok' && !seen.isPaused && seen.order === 'none'
      const isAll = isSaid && read.took.length < count && read.over.length === 0
      if (isTaken && (await this.#hold(read, seen.ownedUntilMs, begins))) {
        if (isAll) this.#idleness.tookAll(askedMs + this.#waitMs(seen))
        return null
      }
      if (!isTaken) await this.#returnAll([...read.took.map(idOf), ...read.over])
    }
    if (seen.state === 'replaced') return holding.throwReplaced()
    if (seen.state === 'expired') {
      await holding.attachAgain(present)
      return null
    }
    if (seen.expired !== null) {
      await reclaimExpired(line, seen.expired)
      return null
    }
    if (seen.hasDelayed) {
      await promoteDelayed(context, channel.name)
      return null
    }
    if (spec.order !== null && spec.order !== seen.order) {
      throw orderConflict('redis', channel, spec.group, spec.order, seen.order)
    }
    if (seen.isPaused) return this.#idle(seen)
    return await this.#takeSome(room, seen, read !== null)
  }

  /** It is told with the take then: nothing but the stream to take from, and not much of it. */
  #mayBegin({ begins = false }: Room, count: number): boolean {
    const isMarked = this.#of.spec.charge === 'marked'
    return begins && isMarked && this.#isPlain && count <= takeBegunMax
  }

  async #takeSome(room: Room, seen: Look, wasRead: boolean): Promise<number | null> {
    const { line, spec, holding } = this.#of
    const { reader, charge } = spec
    if (seen.hasBack) {
      const by = { reader, opened: holding.opened, charge }
      const { gone, ...taken } = await takeBack(line, by, room)
      this.#gone += gone
      if ((await this.#hold(taken, seen.ownedUntilMs)) || gone > 0) return null
    }
    if (seen.order !== 'none') {
      const by = { reader, opened: holding.opened }
      const { isMore, ...taken } = await takeByKey(line, by, room)
      if ((await this.#hold(taken, seen.ownedUntilMs)) || isMore) return null
    } else if (!wasRead) {
      const taken = await takeFresh(line, reader, this.#countFor(room), room)
      if (await this.#hold(taken, seen.ownedUntilMs)) return null
    }
    return this.#idle(seen)
  }

  /** Nothing is there. */
  #idle(seen: Look): number | null {
    return this.#idleness.foundNothing() ? this.#waitMs(seen) : null
  }

  #waitMs({ dueInMs }: Look): number {
    return Math.min(lookMs, this.#of.spec.leaseMs / 2, dueInMs)
  }

  async #returnAll(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return
    this.#isPlain = false
    await giveBack(this.#of.line, this.#of.spec.reader, ids)
  }

  /** Whether something was taken. */
  async #hold(
    { took, over }: Taken,
    ownedUntilMs: number,
    begins: number | null = null,
  ): Promise<boolean> {
    const { hand } = this.#of.holding
    const others: string[] = []
    const isBegun = begins !== null
    const begun: HeldEntry[] = []
    for (const one of took) {
      const delivery = this.#deliveryOf(one, ownedUntilMs)
      if (delivery === null) others.push(idOf(one))
      else this.#ready.push(isBegun ? { ...delivery, isBegun } : delivery)
      const held = isBegun && delivery && hand.get(delivery.token)
      if (held) begun.push(held)
    }
    if (isBegun && took.length > 0) hand.mark(begins, begun)
    await this.#returnAll(over)
    if (others.length > 0) await passBy(this.#of.line, this.#of.spec.reader, others)
    if (took.length === 0) return over.length > 0
    this.#idleness.took()
    return true
  }

  #deliveryOf({ position, read, crashes, noted }: Took, ownedUntilMs: number): Delivery | null {
    const { spec, holding } = this.#of
    const { message, redrives, onlyGroup } = read
    if (spec.group !== null && onlyGroup !== null && onlyGroup !== spec.group) return null
    const { failures, past } = readNoted(noted) ?? nothingNoted
    const { key, bytes } = message
    const serial = ++this.#serial
    const token = { reader: spec.reader, serial, entry: position, count: crashes + 1 }
    const before = holding.hand.add({
      token,
      key,
      past,
      begun: null,
      settling: null,
      outcome: null,
    })
    if (before) holding.lose([before], 'expired')
    this.#averageBytes = this.#averageBytes * 0.9 + bytes * 0.1
    return { token, message, failures, crashes, redrives, past, ownedUntilMs, position }
  }

  #countFor({ messages, bytes }: Room): number {
    const fitting = Math.ceil(bytes / Math.max(1, this.#averageBytes))
    return Math.max(1, Math.min(messages, takeMax, fitting))
  }

  /** Something that it may have here was lost. */
  dropLost(): void {
    this.#ready = this.#ready.filter(({ token }) => this.#of.holding.hand.get(token) !== undefined)
  }

  #takeReady({ messages, bytes }: Room): Delivery[] {
    let size = 0
    let count = 0
    for (const { message } of this.#ready) {
      size += message.bytes
      if (count === messages || (count > 0 && size > bytes)) break
      count++
    }
    return this.#ready.splice(0, count)
  }

  /** @throws STORE_UNUSABLE where another program has deleted what waited here. */
  #tellGone(): void {
    const gone = this.#gone
    this.#gone = 0
    if (gone > 0) throw deleted(this.#of.line, gone)
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = null
    if (failure) throw failure.error
  }
}

const nothingNoted: Noted = { failures: 0, past: null }

const idOf = ({ position }: Took): string => position

function isPlain({ state, isPaused, order, hasBack, hasDelayed, expired }: Look): boolean {
  if (state !== 'ok' || isPaused || order !== 'none') return false
  return !hasBack && !hasDelayed && expired === null
}
