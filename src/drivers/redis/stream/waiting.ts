/** A wait that a call ends, or its time; a call that came since it was prepared ends it at once. */
export class Waiting {
  #isRung = false
  #isEnded = false
  #wake: (() => void) | null = null

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
    if (this.#isRung || this.#isEnded) return
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
