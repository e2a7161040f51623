import type { Delivery, SettleOutcome } from '../../../core/message.ts'
import type { Begun } from './begun.ts'
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

/** What one source holds, by serial and by entry. */
export class Hand {
  readonly #bySerial = new Map<number, HeldEntry>()
  readonly #byEntry = new Map<string, HeldEntry>()
  readonly #lost = new Set<number>()
  /** Nothing is left of them, and the server need not be told at once. */
  readonly #over: Begun[] = []

  get size(): number {
    return this.#bySerial.size
  }

  get(serial: number): HeldEntry | undefined {
    return this.#bySerial.get(serial)
  }

  values(): HeldEntry[] {
    return [...this.#bySerial.values()]
  }

  /** Returns the token that it had for this very entry until now: it was taken from it meanwhile. */
  add(held: HeldEntry): StreamToken | null {
    const { serial, entry } = held.token
    const before = this.#byEntry.get(entry)
    if (before) this.lose(before)
    this.#bySerial.set(serial, held)
    this.#byEntry.set(entry, held)
    return before?.token ?? null
  }

  /** Settled. */
  drop({ token, begun }: HeldEntry): void {
    begun?.delete(token.entry)
    if (begun?.isEmpty) this.#over.push(begun)
    this.#bySerial.delete(token.serial)
    if (this.#byEntry.get(token.entry)?.token === token) this.#byEntry.delete(token.entry)
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

  takeOver(): Begun[] {
    return this.#over.splice(0)
  }

  wasLost(serial: number): boolean {
    return this.#lost.has(serial)
  }
}
