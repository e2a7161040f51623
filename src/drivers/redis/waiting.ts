/** How often a reader that waits looks: for what plain producers bring, and for a lost call. */
export const lookMs = 1_000

/** A wait that is ended by a call, by its time, or by whatever came before it began. */
export class Waiting {
  #isRung = false
  #isEnded = false
  #wake: (() => void) | null = null

  /** Whatever comes from now on ends the next wait. */
  prepare(): void {
    this.#isRung = false
  }

  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** Every wait from now on ends at once. */
  end(): void {
    this.#isEnded = true
    this.ring()
  }

  async wait(ms: number): Promise<void> {
    if (this.#isRung || this.#isEnded || ms <= 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = null
  }
}
