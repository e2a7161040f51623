import type { Delivery, SettleOutcome, Token } from '../../../core/message.ts'
import { Begun } from './begun.ts'
import type { StreamToken } from './token.ts'

/** One message that this reader holds. */
export interface HeldEntry {
  readonly token: StreamToken
  readonly key: string | null
  readonly past: Delivery['past']
  /** Noted at the server, that a crash may be charged. */
  begun: Begun | null
  /** While it is being settled. */
  settling: Promise<void> | null
  outcome: SettleOutcome | null
}

/** Lost tokens that are remembered, to answer `late` for them. */
const lostMax = 100_000

/** What one source holds. */
export class Hand {
  readonly #held = new Map<string, HeldEntry>()
  readonly #lost = new Set<number>()
  /** Nothing is left of them, and the server need not be told at once. */
  readonly #over: Begun[] = []

  get size(): number {
    return this.#held.size
  }

  get(token: Token): HeldEntry | undefined {
    const { entry } = token as Partial<StreamToken>
    const held = entry === undefined ? undefined : this.#held.get(entry)
    return held?.token.serial === token.serial ? held : undefined
  }

  values(): Iterable<HeldEntry> {
    return this.#held.values()
  }

  /** Returns the token that it had for this very entry until now: it was taken from it meanwhile. */
  add(held: HeldEntry): StreamToken | null {
    const { entry } = held.token
    const before = this.#held.get(entry)
    if (before) this.lose(before)
    this.#held.set(entry, held)
    return before?.token ?? null
  }

  /** Settled. */
  drop(held: HeldEntry): void {
    const { token, begun } = held
    if (begun?.end(held)) this.#over.push(begun)
    if (this.#held.get(token.entry) === held) this.#held.delete(token.entry)
  }

  lose(held: HeldEntry): void {
    this.drop(held)
    this.noteLost(held.token.serial)
  }

  noteLost(serial: number): void {
    this.#lost.add(serial)
    if (this.#lost.size <= lostMax) return
    for (const oldest of this.#lost) {
      this.#lost.delete(oldest)
      return
    }
  }

  /** A take has marked these, under the name that its serial gives; maybe none of them is here. */
  mark(serial: number, taken: readonly HeldEntry[]): void {
    const mark = new Begun(serial, taken)
    if (taken.length === 0) this.#over.push(mark)
  }

  takeOver(): Begun[] {
    return this.#over.splice(0)
  }

  wasLost(serial: number): boolean {
    return this.#lost.has(serial)
  }
}
