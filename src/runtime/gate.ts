interface Waiter {
  readonly isAlone: boolean
  readonly admit: () => void
}

/**
 * Who may start on one bus. Healthy messages run beside each other; a suspect, which may take the
 * process down, starts when nothing else runs, and nothing starts beside it: so only what was
 * alone is charged again and again. All come in the order in which they asked; nobody is passed
 * by for ever.
 */
export class Gate {
  readonly #waiting = new Set<Waiter>()
  #inside = 0
  #strays = 0
  #isAlone = false

  /** A handler that was given up goes on running: whoever starts now is not alone. */
  get hasStrays(): boolean {
    return this.#strays > 0
  }

  /** Waits for its turn. @returns null when the signal fires before. */
  async enter(isAlone: boolean, signal: AbortSignal): Promise<Pass | null> {
    if (signal.aborted) return null
    if (this.#waiting.size > 0 || !this.#mayEnter(isAlone)) {
      if (!(await this.#wait(isAlone, signal))) return null
    } else this.#admit(isAlone)
    return new Pass(this)
  }

  /** For what starts together with somebody inside. */
  beside(): Pass {
    this.#inside++
    return new Pass(this)
  }

  /** Said by a pass. */
  left(): void {
    this.#inside--
    this.#admitNext()
  }

  /** Said by a pass: one more, or one less. */
  stray(change: 1 | -1): void {
    this.#strays += change
  }

  #mayEnter(isAlone: boolean): boolean {
    return this.#inside === 0 || !(isAlone || this.#isAlone)
  }

  #admit(isAlone: boolean): void {
    this.#inside++
    this.#isAlone = isAlone
  }

  #wait(isAlone: boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        isAlone,
        admit: () => {
          signal.removeEventListener('abort', giveUp)
          this.#waiting.delete(waiter)
          this.#admit(isAlone)
          resolve(true)
        },
      }
      const giveUp = () => {
        this.#waiting.delete(waiter)
        resolve(false)
        this.#admitNext() // those behind it may have waited for nothing else
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#waiting.add(waiter)
    })
  }

  #admitNext(): void {
    for (const waiter of this.#waiting) {
      if (!this.#mayEnter(waiter.isAlone)) return
      waiter.admit()
    }
  }
}

/**
 * The right to run, until the message is settled. A handler that outlives that has been given up:
 * it must not keep the gate closed for ever, and is counted as a stray until it ends.
 */
export class Pass {
  readonly #gate: Gate
  #isRunning = false
  #isInside = true

  constructor(gate: Gate) {
    this.#gate = gate
  }

  /** A handler runs on it. */
  begin(): void {
    this.#isRunning = true
  }

  /** The handler has returned, whatever became of its message. */
  end(): void {
    if (this.#isRunning && !this.#isInside) this.#gate.stray(-1)
    this.#isRunning = false
  }

  leave(): void {
    if (!this.#isInside) return
    this.#isInside = false
    if (this.#isRunning) this.#gate.stray(1)
    this.#gate.left()
  }
}
