/**
 * Ends who gives no sign of life for so long: nobody but this very process can see that. It begins
 * waiting, for until one is there it waits for the server.
 */
export class LocalLease {
  readonly leaseMs: number
  readonly #over: () => void
  #untilMs = 0
  #isWaiting = true
  #timer: NodeJS.Timeout | null = null

  constructor(leaseMs: number, over: () => void) {
    this.leaseMs = leaseMs
    this.#over = over
    this.#arm(leaseMs)
  }

  /** Who waits lives for as long as it waits. */
  get leftMs(): number {
    return this.#isWaiting ? this.leaseMs : this.#untilMs - performance.now()
  }

  sign(): void {
    this.#untilMs = performance.now() + this.leaseMs
  }

  waits(isWaiting: boolean): void {
    this.#isWaiting = isWaiting
    this.sign()
  }

  /** Who comes after the end is told, also where no timer has fired yet. */
  check(): void {
    if (this.#timer === null || this.leftMs > 0) return
    this.close()
    this.#over()
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      if (this.leftMs > 0) this.#arm(this.leftMs)
      else this.check()
    }, ms).unref()
  }
}
