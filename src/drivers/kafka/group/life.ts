/** When the group last heard of a member, for all that the member knows. */
export class Life {
  readonly #sessionMs: number
  readonly #back: () => void
  #seenMs = performance.now()

  /** `back`: it was silent for longer than a session, and is known now to have been a member all the while. */
  constructor(sessionMs: number, back: () => void) {
    this.#sessionMs = sessionMs
    this.#back = back
  }

  get silentMs(): number {
    return performance.now() - this.#seenMs
  }

  /** For so long that others may have what was its own: it stood still, or is cut off. */
  get isSilent(): boolean {
    return this.silentMs > this.#sessionMs
  }

  /** An answer may lie in the socket of a process that stands still: it is as old as what was asked. */
  seen(askedMs: number): void {
    const wasSilent = this.isSilent
    this.#seenMs = Math.max(this.#seenMs, askedMs)
    if (wasSilent && !this.isSilent) this.#back()
  }
}
