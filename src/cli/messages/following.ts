import type { ChannelRef } from '../../core/channel.ts'
import type { Clock } from '../../core/clock.ts'
import type { Stored } from '../../core/driver.ts'
import type { Bus } from '../../runtime/api.ts'
import { storedPages } from './scan.ts'
import { Shown } from './shown.ts'

const pollMs = 200
/** Without positions only so many of the newest are looked at each time … */
const newestMax = 100
/** … and all there is once in a while: what came may stand anywhere. */
const wholeMs = 5_000
/** Looking takes at most this part of the time, but for a broker that was silent meanwhile. */
const shareMax = 0.2
const pauseMsMax = 5_000

/** What comes into a channel from now on, each message once. */
export class Following {
  readonly #bus: Bus
  readonly #channel: ChannelRef
  readonly #clock: Clock
  readonly #stopping: AbortSignal
  readonly #shown = new Shown()
  #wholeAtMs = 0

  constructor(bus: Bus, channel: ChannelRef, clock: Clock, stopping: AbortSignal) {
    this.#bus = bus
    this.#channel = channel
    this.#clock = clock
    this.#stopping = stopping
  }

  /** What is there now is not new; behind a position it does not have to be known. */
  async begin(): Promise<void> {
    const beganMs = this.#clock.monotonicMs()
    this.#shown.begin()
    for await (const { items } of this.#pages(true, null)) {
      for (const stored of items) {
        if (stored.position !== undefined) return
        this.#shown.isNew(stored)
      }
    }
    this.#shown.end(false)
    this.#lookedAtAll(beganMs)
  }

  /** Shown by a look of another. */
  note(page: readonly Stored[]): void {
    this.#shown.begin()
    for (const stored of page) this.#shown.isNew(stored)
  }

  /** Gives all that is new after a position, null: none is known, and in how many ms to ask again. */
  async *look(position: string | null): AsyncGenerator<Stored, number> {
    const beganMs = this.#clock.monotonicMs()
    const isSeldom = position === null && beganMs < this.#wholeAtMs
    if (!isSeldom || !(yield* this.#newest())) {
      yield* this.#all(position)
      this.#lookedAtAll(beganMs)
    }
    const tookMs = this.#clock.monotonicMs() - beganMs
    return Math.min(pauseMsMax, Math.max(pollMs, tookMs / shareMax))
  }

  /** False where that was not all that came. */
  async *#newest(): AsyncGenerator<Stored, boolean> {
    const query = { from: 'first', newestFirst: true, cursor: null, limit: newestMax } as const
    const { items, cursor } = await this.#bus.admin.peek(this.#channel, query)
    if (items.some(({ position }) => position !== undefined)) return false
    this.#shown.begin()
    const fresh = items.filter((stored) => this.#shown.isNew(stored))
    yield* fresh.reverse()
    if (cursor === null) this.#shown.end(true)
    return cursor === null || fresh.length < items.length
  }

  async *#all(position: string | null): AsyncGenerator<Stored> {
    this.#shown.begin()
    for await (const { items } of this.#pages(false, position)) {
      for (const stored of items) if (this.#shown.isNew(stored)) yield stored
    }
    this.#shown.end(false)
  }

  async *#pages(newestFirst: boolean, position: string | null) {
    const from = position === null ? 'first' : { position }
    for await (const page of storedPages(this.#bus, this.#channel, { from, newestFirst })) {
      if (this.#stopping.aborted) return
      yield page
    }
  }

  #lookedAtAll(beganMs: number): void {
    const nowMs = this.#clock.monotonicMs()
    this.#wholeAtMs = nowMs + Math.max(wholeMs, (nowMs - beganMs) / shareMax)
  }
}
