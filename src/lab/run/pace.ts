import type { Clock } from '../../core/clock.ts'

/** Time of a run. Whatever waits in it ends when the run breaks off, and so does all that it was part of. */
export class Pace {
  readonly #clock: Clock
  readonly #nowNs: () => bigint
  readonly #over = new AbortController()
  readonly #broken = Promise.withResolvers<never>()

  constructor(clock: Clock, nowNs: () => bigint) {
    this.#clock = clock
    this.#nowNs = nowNs
    this.#broken.promise.catch(() => {}) // heard by whoever waits
  }

  nowNs(): bigint {
    return this.#nowNs()
  }

  /** The run is over before its end. */
  get isBroken(): boolean {
    return this.#over.signal.aborted
  }

  /** Everything that waits here rejects with that. */
  breakOff(error: unknown): void {
    this.#broken.reject(error)
    this.#over.abort(error)
  }

  /** `hurried`: ends the wait early, in order. */
  async sleep(ms: number, hurried?: AbortSignal): Promise<void> {
    const over = this.#over.signal
    await this.#clock.sleep(ms, hurried ? AbortSignal.any([over, hurried]) : over)
    over.throwIfAborted()
  }

  async until(timeNs: bigint, hurried?: AbortSignal): Promise<void> {
    const ms = Number(timeNs - this.#nowNs()) / 1e6
    if (ms > 0) await this.sleep(ms, hurried)
  }

  /** All of them, or the first failure: then the others end wherever they wait. */
  async all<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
    for (const task of tasks) task.catch((error: unknown) => this.breakOff(error))
    return await Promise.race([Promise.all(tasks), this.#broken.promise])
  }
}

export function nanoseconds(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}
