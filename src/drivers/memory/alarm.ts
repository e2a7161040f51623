import type { Clock } from '../../core/clock.ts'

/** Calls once, at the earliest time it was set to. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #atMs = Number.POSITIVE_INFINITY
  #stop = new AbortController()

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Monotonic. An earlier setting holds; it may ring before `atMs`, never after. */
  set(atMs: number): void {
    if (atMs >= this.#atMs) return
    this.stop()
    this.#atMs = atMs
    this.#stop = new AbortController()
    void this.#wait(atMs, this.#stop.signal)
  }

  stop(): void {
    this.#stop.abort(null) // no reason: making one costs more than the alarm
    this.#atMs = Number.POSITIVE_INFINITY
  }

  async #wait(atMs: number, stop: AbortSignal): Promise<void> {
    await this.#clock.sleep(Math.max(1, atMs - this.#clock.monotonicMs()), stop)
    if (stop.aborted) return
    this.#atMs = Number.POSITIVE_INFINITY
    this.#ring()
  }
}
