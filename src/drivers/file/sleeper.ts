import type { Clock } from '../../core/clock.ts'

/** A sleep that several things may end: a ring, an abort, an order. */
export class Sleeper {
  readonly #clock: Clock
  #sleep: AbortController | null = null

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves after `ms`, or when woken. */
  async sleep(ms: number): Promise<void> {
    const sleep = new AbortController()
    this.#sleep = sleep
    await this.#clock.sleep(ms, sleep.signal)
    if (this.#sleep === sleep) this.#sleep = null
  }

  /** Ends a sleep that is under way. */
  wake(): void {
    this.#sleep?.abort()
  }
}
