import { untilAborted } from '../untilAborted.ts'

/** Who waits for the same thing: one at a time, in the order in which they came. */
export class Line {
  #last: Promise<void> = Promise.resolve()
  #length = 0

  get isEmpty(): boolean {
    return this.#length === 0
  }

  /**
   * Does `work` once all that came before have ended, or gives up when the signal fires, with its
   * reason. Whoever gives up lets nobody behind overtake those in front.
   */
  async enter<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#last = promise
    this.#length++
    try {
      await untilAborted(before, signal)
      return await work()
    } finally {
      this.#length--
      void before.then(resolve)
    }
  }
}
