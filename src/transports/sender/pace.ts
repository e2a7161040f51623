import type { Clock } from '../../core/clock.ts'
import { backoffMs } from '../../runtime/backoff.ts'

const ageMs = 20
const backoff = { delayMsMin: 100, delayMsMax: 30_000 }
/** Longest pause between two tries while somebody waits for a flush or the close. */
const urgentPauseMs = 250

export interface PaceHost {
  readonly clock: Clock
  readonly pauseClock: Clock
  readonly random: () => number
}

/** When the next batch leaves: when it is old enough, or after a pause that follows a failure. */
export class SenderPace {
  readonly #host: PaceHost
  #gathering = new AbortController()
  #pausing = new AbortController()
  #pausedUntilMs = 0

  constructor(host: PaceHost) {
    this.#host = host
  }

  get isPausing(): boolean {
    return this.#host.clock.monotonicMs() < this.#pausedUntilMs
  }

  /** Waits until a record of this monotonic time is old enough to leave, or until it is told. */
  async gather(sinceMs: number): Promise<void> {
    const { clock } = this.#host
    const restMs = ageMs - (clock.monotonicMs() - sinceMs)
    if (restMs <= 0) return
    this.#gathering = new AbortController()
    await clock.sleep(restMs, this.#gathering.signal)
  }

  async pause(failures: number, isUrgent: boolean): Promise<void> {
    const { clock, pauseClock, random } = this.#host
    const planMs = backoffMs(failures - 1, backoff, random)
    const pauseMs = isUrgent ? Math.min(planMs, urgentPauseMs) : planMs
    this.#pausedUntilMs = clock.monotonicMs() + pauseMs
    this.#pausing = new AbortController()
    await pauseClock.sleep(pauseMs, this.#pausing.signal)
  }

  /** The batch is full. */
  endGathering(): void {
    this.#gathering.abort()
  }

  /** Somebody waits. */
  hurry(): void {
    this.#gathering.abort()
    this.#pausing.abort()
  }
}
