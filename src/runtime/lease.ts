import type { Clock } from '../core/clock.ts'
import type { Held } from './held.ts'

const blockedMsMin = 50

export interface LeaseHost {
  readonly clock: Clock
  /** What the lease covers now. */
  held(): Iterable<Held>
  /** Renews at the broker. @returns true when it held. */
  renew(): Promise<boolean>
  /** Our own clock says that something held is no longer ours. */
  expired(): void
}

/**
 * Keeps the lease of one reader: it covers all that the reader holds, is renewed at a third of
 * its length, and ends by our own clock when no renewal came through in time.
 */
export class Lease {
  readonly #host: LeaseHost
  readonly #ms: number
  readonly #closing = new AbortController()
  #renewedUntilMs = Number.NEGATIVE_INFINITY
  /** When the next renewal is sent. */
  #dueMs = 0
  #wakeMs = Number.POSITIVE_INFINITY
  #block: { endedMs: number; ms: number } | null = null
  #isWatching = false
  #isRenewing = false
  #hasFailed = false

  constructor(host: LeaseHost, ms: number) {
    this.#host = host
    this.#ms = ms
  }

  /** To be called when something is taken in hand: while nothing is held, nothing is to renew. */
  watch(): void {
    if (!this.#isWatching) void this.#run()
  }

  /** Until when this delivery is ours, or was. */
  ownedUntilMs(held: Held): number {
    return held.endedMs ?? Math.max(held.delivery.ownedUntilMs, this.#renewedUntilMs)
  }

  /** How long our own event loop stood still lately; null when it did not. */
  loopBlockedMs(): number | null {
    const now = this.#host.clock.monotonicMs()
    if (now - this.#wakeMs > blockedMsMin) return Math.round(now - this.#wakeMs)
    if (this.#block && now - this.#block.endedMs < this.#ms) return Math.round(this.#block.ms)
    return null
  }

  close(): void {
    this.#closing.abort()
  }

  async #run(): Promise<void> {
    const { clock } = this.#host
    this.#isWatching = true
    this.#dueMs = clock.monotonicMs() + this.#ms / 3
    while (this.#holdsAny && !this.#closing.signal.aborted) {
      const periodMs = this.#periodMs(clock.monotonicMs())
      this.#wakeMs = clock.monotonicMs() + periodMs
      await clock.sleep(periodMs, this.#closing.signal)
      if (this.#closing.signal.aborted) break
      const now = clock.monotonicMs()
      const overdueMs = now - this.#wakeMs
      if (overdueMs > blockedMsMin) this.#block = { endedMs: now, ms: overdueMs }
      this.#expire(now)
      if (now >= this.#dueMs || this.#hasFailed) this.#renew(now)
    }
    this.#isWatching = false
    this.#wakeMs = Number.POSITIVE_INFINITY
  }

  get #holdsAny(): boolean {
    return !this.#host.held()[Symbol.iterator]().next().done
  }

  /** Until the next renewal; sooner where one hangs, failed, or something ends before. */
  #periodMs(now: number): number {
    let periodMs = this.#isRenewing || this.#hasFailed ? this.#ms / 12 : this.#dueMs - now
    for (const held of this.#host.held()) {
      const leftMs = this.ownedUntilMs(held) - now
      if (leftMs > 0 && leftMs < periodMs) periodMs = leftMs
    }
    return periodMs
  }

  #expire(now: number): void {
    for (const held of this.#host.held()) {
      if (this.ownedUntilMs(held) > now) continue
      for (const one of this.#host.held()) one.endedMs = Math.min(now, this.ownedUntilMs(one))
      this.#host.expired()
      return
    }
  }

  /** Not awaited by the loop: a renewal that hangs must not keep the lease from ending. */
  #renew(now: number): void {
    if (this.#isRenewing || !this.#holdsAny) return
    this.#dueMs = now + this.#ms / 3
    this.#isRenewing = true
    void this.#host.renew().then((isHeld) => {
      this.#expire(this.#host.clock.monotonicMs()) // what ended before the answer came stays ended
      if (isHeld) this.#renewedUntilMs = now + this.#ms
      this.#hasFailed = !isHeld
      this.#isRenewing = false
    })
  }
}
