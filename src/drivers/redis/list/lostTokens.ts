import type { SourceEvents } from '../../../core/driver.ts'
import type { Token } from '../../../core/message.ts'

/** What a reader has lost: told at once, and again by the next renewal. */
export class LostTokens {
  readonly #on: SourceEvents
  readonly #reader: string
  readonly #told: Set<number>
  #forRenew: Token[] = []
  #isOver = false
  /** How many the server says were lost so far. */
  count: number

  constructor(on: SourceEvents, reader: string, count: number, before: readonly number[]) {
    this.#on = on
    this.#reader = reader
    this.count = count
    this.#told = new Set(before)
  }

  /** All that was lost so far: serial → why. */
  tell(all: Readonly<Record<string, string>>, count: number): void {
    this.count = count
    const fresh = Object.entries(all).filter(([serial]) => !this.#told.has(Number(serial)))
    for (const why of ['expired', 'cancelled'] as const) {
      const serials = fresh.filter(([, own]) => own === why).map(([serial]) => Number(serial))
      if (serials.length === 0) continue
      for (const serial of serials) this.#told.add(serial)
      this.tellTokens(
        serials.sort((a, b) => a - b).map((serial) => ({ reader: this.#reader, serial })),
        why,
      )
    }
  }

  has({ reader, serial }: Token): boolean {
    return reader === this.#reader && this.#told.has(serial)
  }

  tellTokens(tokens: readonly Token[], why: 'expired' | 'cancelled'): void {
    if (tokens.length === 0 || this.#isOver) return
    this.#forRenew.push(...tokens)
    this.#on.lost(tokens, why)
  }

  tellAll(): void {
    if (!this.#isOver) this.#on.lost('all', 'cancelled')
    this.#isOver = true
  }

  takeForRenew(): Token[] {
    return this.#forRenew.splice(0)
  }
}
