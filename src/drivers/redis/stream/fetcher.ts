import type { ChannelSpec, ReaderSpec } from '../../../core/channel.ts'
import type { Delivery, Token } from '../../../core/message.ts'
import { orderConflict } from '../../../core/orderConflict.ts'
import type { Context } from '../session.ts'
import { lookMs, Waiting } from '../waiting.ts'
import { promoteDelayed } from './delayed.ts'
import { readEntry } from './entry.ts'
import type { Hand } from './hand.ts'
import type { Line } from './line.ts'
import { type Look, look } from './look.ts'
import { type Noted, readNoted } from './noted.ts'
import { giveBack, passBy, reclaimExpired } from './reclaim.ts'
import { deleted, type Room, type Took, takeBack, takeByKey, takeFresh, takeMax } from './take.ts'

export interface FetcherOptions {
  readonly context: Context
  readonly channel: ChannelSpec
  readonly line: Line
  readonly spec: ReaderSpec
  readonly hand: Hand
  /** The present opening of the reader. */
  readonly opened: () => string
  /** The lease had ended: opens the reader anew. @throws NOT_FOUND, CONFLICT */
  readonly again: (opened: string) => Promise<void>
  /** @throws CLOSED */
  readonly replaced: () => never
  readonly lost: (tokens: readonly Token[]) => void
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
  /** The last take brought nothing. */
  #isIdle = false
  /** In doubt it is. */
  #isByKey = true
  #gone = 0
  #serial: number
  /** Of a message, smoothed: not much more than what fits is asked for. */
  #averageBytes = 0

  constructor(options: FetcherOptions) {
    this.#of = options
    this.#serial = Number(options.opened())
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
    return this.#ready.splice(0).filter((one) => this.#isHeld(one))
  }

  /** Never rejects: what it fails with is kept for the receive that comes. */
  async #fetch(room: Room, signal: AbortSignal): Promise<void> {
    try {
      this.#waiting.prepare()
      const dueInMs = await this.#take(room)
      if (dueInMs !== null && !signal.aborted) await this.#waiting.wait(dueInMs)
    } catch (error) {
      this.fail(error)
    } finally {
      this.#fetching = null
    }
  }

  /** Takes once; how long there is nothing to do, or null when something was taken or is there. */
  async #take(room: Room): Promise<number | null> {
    const { line, spec, opened, replaced, again, context, channel } = this.#of
    this.#tellGone()
    const count = this.#countFor(room)
    const present = opened()
    const looking = look(line, spec.reader, present, spec.leaseMs, this.#isIdle)
    const reading = this.#isPlain ? takeFresh(line, spec.reader, count, room) : null
    const [seen, read] = await Promise.all([looking, reading])
    this.#isPlain = isPlain(seen)
    if (seen.state === 'ok') this.#isByKey = seen.order !== 'none'
    if (read !== null) {
      const isTaken = seen.state === 'ok' && !seen.isPaused && seen.order === 'none'
      const over = isTaken ? read.over : [...read.took.map(idOf), ...read.over]
      if (over.length > 0) await this.#returnAll(over)
      if (isTaken && read.took.length > 0) return await this.#hold(read.took, seen.ownedUntilMs)
    }
    if (seen.state === 'replaced') return replaced()
    if (seen.state === 'expired') {
      await again(present)
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

  async #takeSome(room: Room, seen: Look, wasRead: boolean): Promise<number | null> {
    const { line, spec, opened } = this.#of
    if (seen.hasBack) {
      const { took, gone } = await takeBack(line, spec.reader, opened(), room, spec.charge)
      this.#gone += gone
      if (took.length > 0 || gone > 0) return await this.#hold(took, seen.ownedUntilMs)
    }
    if (seen.order !== 'none') {
      const { took, isMore } = await takeByKey(line, spec.reader, opened(), room)
      if (took.length > 0 || isMore) return await this.#hold(took, seen.ownedUntilMs)
    } else if (!wasRead) {
      const { took, over } = await takeFresh(line, spec.reader, this.#countFor(room), room)
      if (over.length > 0) await this.#returnAll(over)
      if (took.length > 0) return await this.#hold(took, seen.ownedUntilMs)
    }
    return this.#idle(seen)
  }

  /** Nothing is there. It waits once it has looked after having said so. */
  #idle({ dueInMs }: Look): number | null {
    if (this.#isIdle) return Math.min(lookMs, this.#of.spec.leaseMs / 2, dueInMs)
    this.#isIdle = true
    return null
  }

  async #returnAll(ids: readonly string[]): Promise<void> {
    this.#isPlain = false
    await giveBack(this.#of.line, this.#of.spec.reader, ids)
  }

  async #hold(took: readonly Took[], ownedUntilMs: number): Promise<null> {
    this.#isIdle = false
    const others: string[] = []
    for (const one of took) {
      const delivery = this.#deliveryOf(one, ownedUntilMs)
      if (delivery) this.#ready.push(delivery)
      else others.push(idOf(one))
    }
    if (others.length > 0) await passBy(this.#of.line, this.#of.spec.reader, others)
    return null
  }

  #deliveryOf({ entry, crashes, noted }: Took, ownedUntilMs: number): Delivery | null {
    const { channel, spec, hand, lost } = this.#of
    const { message, redrives, onlyGroup } = readEntry(channel.name, entry)
    if (spec.group !== null && onlyGroup !== null && onlyGroup !== spec.group) return null
    const { failures, past } = readNoted(noted) ?? nothingNoted
    const position = entry[0].toString('latin1')
    const serial = ++this.#serial
    const token = { reader: spec.reader, serial, entry: position, count: crashes + 1 }
    const before = hand.add({
      token,
      key: message.key,
      past,
      begun: null,
      settling: null,
      outcome: null,
    })
    if (before) lost([before])
    this.#averageBytes = this.#averageBytes * 0.9 + message.bytes * 0.1
    return { token, message, failures, crashes, redrives, past, ownedUntilMs, position }
  }

  #countFor({ messages, bytes }: Room): number {
    const fitting = Math.ceil(bytes / Math.max(1, this.#averageBytes))
    return Math.max(1, Math.min(messages, takeMax, fitting))
  }

  #takeReady({ messages, bytes }: Room): Delivery[] {
    const ready = this.#ready.filter((one) => this.#isHeld(one))
    let size = 0
    let count = 0
    for (const { message } of ready) {
      size += message.bytes
      if (count === messages || (count > 0 && size > bytes)) break
      count++
    }
    this.#ready = ready.slice(count)
    return ready.slice(0, count)
  }

  #isHeld({ token }: Delivery): boolean {
    return this.#of.hand.get(token.serial) !== undefined
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

const idOf = ({ entry }: Took): string => entry[0].toString('latin1')

function isPlain({ state, isPaused, order, hasBack, hasDelayed, expired }: Look): boolean {
  if (state !== 'ok' || isPaused || order !== 'none') return false
  return !hasBack && !hasDelayed && expired === null
}
