import type { IncomingMessage } from '../../core/message.ts'
import type { RelayPlan } from './relayPlan.ts'

/** A message in the hands of a relay. */
export interface Waiting {
  readonly message: IncomingMessage
  readonly takenMs: number
}

/** What waits for a worker, oldest first: the newest N, each for so long. */
export class RelayHold {
  readonly #limit: RelayPlan['hold']
  #waiting: readonly Waiting[] = []

  constructor(limit: RelayPlan['hold']) {
    this.#limit = limit
  }

  get size(): number {
    return this.#waiting.length
  }

  takeAll(): readonly Waiting[] {
    const all = this.#waiting
    this.#waiting = []
    return all
  }

  /** Keeps what may wait. @returns what may not, or no longer. */
  put(batch: readonly Waiting[], nowMs: number): readonly Waiting[] {
    if (!this.#limit) return batch
    const { messages, ms } = this.#limit
    const all = [...this.#waiting, ...batch]
    this.#waiting = all.filter(({ takenMs }) => takenMs + ms > nowMs).slice(-messages)
    const kept = new Set(this.#waiting)
    return all.filter((one) => !kept.has(one))
  }
}
