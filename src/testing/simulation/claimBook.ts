import type { Token } from '../../core/message.ts'
import type { Tally } from './happenings.ts'

/** Who claimed which id at the store, and until when: dedupe on consume, seen from beside it. */
export class ClaimBook {
  /** By id: readers whose claim of it ended while they had it. */
  readonly takenFrom = new Map<string, string[]>()
  readonly #nowMs: () => number
  readonly #tally: Tally
  readonly #problem: (text: string) => void
  readonly #claims = new Map<string, { readonly by: Token; readonly untilMs: number }>()

  constructor(nowMs: () => number, tally: Tally, problem: (text: string) => void) {
    this.#nowMs = nowMs
    this.#tally = tally
    this.#problem = problem
  }

  answered(id: string, by: Token, leaseMs: number, answer: 'mine' | 'busy' | 'done'): void {
    if (answer !== 'mine') {
      this.#tally.add(`a claim is ${answer}`)
      return
    }
    const nowMs = this.#nowMs()
    const before = this.#claims.get(id)
    this.#claims.set(id, { by, untilMs: nowMs + leaseMs })
    if (!before || isSame(before.by, by)) return
    const { reader } = before.by
    if (before.untilMs > nowMs) {
      this.#problem(`${nowMs} ms: ${id} was claimed by ${by.reader}, and ${reader} had it`)
    }
    this.takenFrom.set(id, [...(this.takenFrom.get(id) ?? []), reader])
    this.#tally.add('a claim is taken over')
  }

  finished(id: string, by: Token): void {
    const present = this.#claims.get(id)
    if (present && isSame(present.by, by)) this.#claims.delete(id)
  }
}

const isSame = (a: Token, b: Token) => a.reader === b.reader && a.serial === b.serial
