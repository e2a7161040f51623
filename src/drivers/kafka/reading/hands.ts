import type { SettleOutcome, Token } from '../../../core/message.ts'
import type { Entry } from './entry.ts'

/** Who settles what was lost longer ago than so many others is told that it was settled. */
const lostMax = 100_000

/**
 * What a source has handed out and not settled. Serials rise: what is known and here no more was
 * settled before, unless its partition went to others.
 */
export class Hands {
  readonly #reader: string
  readonly #nextSerial: () => number
  readonly #hands = new Map<number, Entry>()
  /** What went to others while it was in hand. */
  readonly #lost = new Set<number>()
  #first = Number.POSITIVE_INFINITY
  #last = 0

  constructor(reader: string, nextSerial: () => number) {
    this.#reader = reader
    this.#nextSerial = nextSerial
  }

  get size(): number {
    return this.#hands.size
  }

  take(entry: Entry): Token {
    const serial = this.#nextSerial()
    this.#first = Math.min(this.#first, serial)
    this.#last = serial
    this.#hands.set(serial, entry)
    return { reader: this.#reader, serial }
  }

  /** In hand, or the answer to somebody who has it not. */
  find({ reader, serial }: Token): Entry | SettleOutcome {
    const entry = reader === this.#reader ? this.#hands.get(serial) : undefined
    if (entry !== undefined) return entry
    const wasHere = reader === this.#reader && serial >= this.#first && serial <= this.#last
    return wasHere && !this.#lost.has(serial) ? 'sent' : 'late'
  }

  settled({ serial }: Token): void {
    this.#hands.delete(serial)
  }

  /** Up to this serial. */
  upTo(serial: number): Entry[] {
    return [...this.#hands].flatMap(([one, entry]) => (one <= serial ? [entry] : []))
  }

  /** They are somebody else's from now on: their tokens. */
  lose(isLost: (entry: Entry) => boolean): Token[] {
    const tokens: Token[] = []
    for (const [serial, entry] of this.#hands) {
      if (!isLost(entry)) continue
      this.#hands.delete(serial)
      this.#lost.add(serial)
      if (this.#lost.size > lostMax) this.#lost.delete(this.#lost.values().next().value as number)
      tokens.push({ reader: this.#reader, serial })
    }
    return tokens
  }
}
