/**
 * When a reader may wait. With a look it says that it is going to, then it takes what is there:
 * what comes after that is announced to it.
 */
export class Idleness {
  #isSaid = false
  #hasWaited = false
  #quietUntilMs = Number.NEGATIVE_INFINITY

  /** The next look says that it is going to wait. */
  get isSaid(): boolean {
    return this.#isSaid
  }

  /** Nothing was there. Returns whether it may wait: it had said so before. */
  foundNothing(): boolean {
    const wasSaid = this.#isSaid
    this.#isSaid = true
    return wasSaid
  }

  /** What comes after a wait comes mostly alone. */
  took(): void {
    this.#isSaid = this.#hasWaited
    this.#hasWaited = false
  }

  /** It had said so, and then taken all that was there: until then it need not look again. */
  tookAll(untilMs: number): void {
    this.#quietUntilMs = untilMs
  }

  /** For how long it need not look; null: it must. Asked once. */
  quietMs(): number | null {
    const leftMs = this.#quietUntilMs - performance.now()
    this.#quietUntilMs = Number.NEGATIVE_INFINITY
    return leftMs > 0 ? leftMs : null
  }

  waits(): void {
    this.#hasWaited = true
  }
}
