import type { IncomingMessage } from '../../core/message.ts'
import type { RelayPlan } from './relayPlan.ts'

/** A message in the hands of a relay. */
export interface Waiting {
  readonly message: IncomingMessage
  readonly takenMs: number
}

export function messagesOf(batch: readonly Waiting[]): IncomingMessage[] {
  return batch.map(({ message }) => message)
}

/**
 * What waits for a worker, oldest first: the newest N, each for so long. There may be many: each
 * call costs what it moves, and not what waits.
 */
export class RelayHold {
  readonly #limit: RelayPlan['hold']
  readonly #waiting = new Map<number, Waiting>()
  #first = 0
  #next = 0

  constructor(limit: RelayPlan['hold']) {
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting.size
  }

  /** Behind all that waits; `takeOver` then has what is too much. */
  put(batch: readonly Waiting[]): void {
    for (const one of batch) this.#waiting.set(this.#next++, one)
  }

  /** Before all that waits, as it was taken. */
  putBack(batch: readonly Waiting[]): void {
    for (const one of batch.toReversed()) this.#waiting.set(--this.#first, one)
  }

  /** The oldest, `max` at most. */
  take(max: number): Waiting[] {
    return this.#takeWhile(max, () => true)
  }

  /** What may wait no longer, `max` at most: there are too many, or its time is over. */
  takeOver(nowMs: number, max: number): Waiting[] {
    const { messages, ms } = this.#limit ?? { messages: 0, ms: 0 }
    return this.#takeWhile(max, (one) => this.size > messages || one.takenMs + ms <= nowMs)
  }

  #takeWhile(max: number, goes: (one: Waiting) => boolean): Waiting[] {
    const taken: Waiting[] = []
    while (taken.length < max) {
      const oldest = this.#waiting.get(this.#first)
      if (!oldest || !goes(oldest)) break
      this.#waiting.delete(this.#first++)
      taken.push(oldest)
    }
    return taken
  }
}
