import type { Clock } from '../core/clock.ts'
import type { BatchLimits, Raw } from './sink.ts'
import { crashesOf } from './stage.ts'

/** Suspects do not wait for a full batch: each of them may be alone. */
const suspectAgeMsMax = 100
const suspectShare = 16

/** How many messages may share a batch that begins with this one. */
export function batchSizeMax(crashes: number, messagesMax: number): number {
  return Math.max(1, Math.floor(messagesMax / suspectShare ** Math.min(crashes, 10)))
}

/**
 * Fills batches from deliveries, in their order: what waits here has not begun. A batch ends at
 * its limits, at its age (also without new data), or where suspects begin or end, because a
 * message that took a worker down must not take the healthy ones with it again.
 */
export class Intake {
  readonly #limits: BatchLimits
  readonly #clock: Clock
  #waiting: { raw: Raw; atMs: number }[] = []
  /** The leading messages that may go together, counted once. */
  #run = { length: 0, bytes: 0, sizeMax: 0, isClosed: false }
  #isStopped = false
  #isHurried = false
  #wake = Promise.withResolvers<void>()

  constructor(limits: BatchLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  get waiting(): number {
    return this.#waiting.length
  }

  add(raw: Raw): void {
    this.#waiting.push({ raw, atMs: this.#clock.monotonicMs() })
    this.#extend()
    if (this.#isFull() || this.#isHurried || this.#waiting.length === 1) this.#wake.resolve()
  }

  /** No batch waits to fill any more. */
  hurry(): void {
    this.#isHurried = true
    this.#wake.resolve()
  }

  /** No more comes; what waits is handed out at once. */
  stop(): void {
    this.#isStopped = true
    this.#wake.resolve()
  }

  /** The next batch; empty when stopped and nothing waits. */
  async next(): Promise<Raw[]> {
    while (!this.#isReady()) {
      this.#wake = Promise.withResolvers()
      await this.#untilWokenOrOld()
    }
    const batch = this.#waiting.splice(0, this.#run.length).map(({ raw }) => raw)
    this.#run = { length: 0, bytes: 0, sizeMax: 0, isClosed: false }
    this.#extend()
    return batch
  }

  #isReady(): boolean {
    if (this.#isStopped) return true
    if (this.#waiting.length === 0) return false
    return this.#isHurried || this.#isFull() || this.#leftMs() <= 0
  }

  #isFull(): boolean {
    const { length, bytes, sizeMax, isClosed } = this.#run
    return isClosed || (length > 0 && (length >= sizeMax || bytes >= this.#limits.bytesMax))
  }

  #leftMs(): number {
    const [first] = this.#waiting
    if (!first) return Number.POSITIVE_INFINITY
    const { ageMsMax } = this.#limits
    const mostMs = crashesOf(first.raw) > 0 ? Math.min(ageMsMax, suspectAgeMsMax) : ageMsMax
    return first.atMs + mostMs - this.#clock.monotonicMs()
  }

  async #untilWokenOrOld(): Promise<void> {
    const leftMs = this.#leftMs()
    if (leftMs === Number.POSITIVE_INFINITY) return this.#wake.promise
    const woken = new AbortController()
    await Promise.race([this.#wake.promise, this.#clock.sleep(Math.max(leftMs, 0), woken.signal)])
    woken.abort()
  }

  #extend(): void {
    const run = this.#run
    while (!this.#isFull() && run.length < this.#waiting.length) {
      const { raw } = this.#waiting[run.length] as { raw: Raw }
      const [first] = this.#waiting
      const crashes = crashesOf(raw)
      const isSuspect = crashesOf((first as { raw: Raw }).raw) > 0
      const sizeMax = batchSizeMax(crashes, this.#limits.messagesMax)
      const fits = run.length === 0 || run.length < sizeMax
      if (crashes > 0 !== isSuspect || !fits) {
        run.isClosed = true
        return
      }
      run.sizeMax = run.length === 0 ? sizeMax : Math.min(run.sizeMax, sizeMax)
      run.length++
      run.bytes += raw.message.bytes
    }
  }
}
