import type { Clock } from '../../core/clock.ts'

interface Flush {
  readonly upTo: number
  readonly done: () => void
}

/** Those who wait until all that was written before them is acked or dropped. */
export class SenderFlushes {
  #waiting: Flush[] = []

  get count(): number {
    return this.#waiting.length
  }

  /** True when all up to this place in the order is settled; false when the time is over. */
  async wait(upTo: number, timeoutMs: number, clock: Clock): Promise<boolean> {
    const settled = Promise.withResolvers<boolean>()
    const flush = { upTo, done: () => settled.resolve(true) }
    this.#waiting.push(flush)
    const stop = new AbortController()
    const timedOut = clock.sleep(timeoutMs, stop.signal).then(() => false)
    const result = await Promise.race([settled.promise, timedOut])
    stop.abort()
    this.#waiting = this.#waiting.filter((other) => other !== flush)
    return result
  }

  tell(isSettledUpTo: (order: number) => boolean): void {
    for (const flush of this.#waiting) if (isSettledUpTo(flush.upTo)) flush.done()
  }
}
