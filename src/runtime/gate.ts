/** In which company a message may run. */
export interface Company {
  /** A suspect: with no other handler. */
  readonly isAlone: boolean
  /** And with nothing else of this process in hand. */
  readonly isIsolated?: boolean
  /** It is charged from the moment it was taken: it goes back before an isolated one runs. */
  readonly isCharged?: boolean
}

interface Waiter extends Company {
  readonly admit: () => void
  readonly giveUp: () => void
}

/**
 * Who may start on one bus. Healthy messages run beside each other; a suspect, which may take the
 * process down, starts when nothing else runs, and nothing starts beside it: so only what was
 * alone is charged again and again. All come in the order in which they asked; nobody is passed
 * by for ever.
 */
export class Gate {
  readonly #quiet: (isQuiet: boolean) => Promise<void>
  readonly #waiting = new Set<Waiter>()
  #inside = 0
  /** Until when each counts as company. */
  readonly #strays = new Map<Pass, number>()
  #sparesUntilMs: number | null = null
  #isAlone = false
  #isIsolated = false
  #isQuiet = false
  #quieting = Promise.resolve()
  #hushing = new AbortController()
  readonly #leaving = new Set<Promise<unknown>>()

  /** @param quiet Told when somebody wants to be isolated, who waits for it, and when nobody does any more. */
  constructor(quiet: (isQuiet: boolean) => Promise<void>) {
    this.#quiet = quiet
  }

  /**
   * Whether a suspect that starts now is charged with nothing: a handler that was given up may
   * still take the process down. Whoever outlives its time is held to be hung; what is given up
   * while suspects are spared does not prolong that, so that no suspect is spared for ever.
   */
  spares(nowMs: number): boolean {
    const untilMs = Math.max(...this.#strays.values())
    if (untilMs <= nowMs) this.#sparesUntilMs = null
    else this.#sparesUntilMs ??= untilMs
    return this.#sparesUntilMs !== null && nowMs < this.#sparesUntilMs
  }

  /** Fires when somebody wants to be isolated. */
  get hush(): AbortSignal {
    return this.#hushing.signal
  }

  /** Resolves when what was taken, and is charged for it, is in here, or was given back. */
  leaves(deciding: Promise<unknown>): void {
    const forget = () => void this.#leaving.delete(deciding)
    this.#leaving.add(deciding)
    deciding.then(forget, forget)
  }

  /** Whoever is isolated waits for this last: nothing else can be charged with what it does. */
  async hushed(): Promise<void> {
    while (this.#leaving.size > 0) await Promise.allSettled(this.#leaving)
    if (this.#isQuiet) await this.#quiet(true) // it may have gone on meanwhile, and have ended
  }

  /** A healthy message could enter at once. */
  get isOpen(): boolean {
    return this.#waiting.size === 0 && this.#mayEnter(false)
  }

  /** Waits for its turn. @returns null when the signal fires before, or it is to go back. */
  async enter(company: Company, signal: AbortSignal): Promise<Pass | null> {
    if (signal.aborted || (company.isCharged && this.#isQuiet)) return null
    if (this.#waiting.size > 0 || !this.#mayEnter(company.isAlone)) {
      if (!(await this.#wait(company, signal))) return null
    } else this.#admit(company)
    this.#hush()
    if (company.isIsolated) await this.#quieting
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
    this.#hush()
  }

  /** Said by a pass: it runs on, and is company until then. */
  strays(pass: Pass, untilMs: number): void {
    this.#strays.set(pass, untilMs)
  }

  /** Said by a pass: it has ended after all. */
  strayEnded(pass: Pass): void {
    this.#strays.delete(pass)
  }

  #hush(): void {
    const runs = this.#isIsolated && this.#inside > 0
    const waits = () => [...this.#waiting].some(({ isIsolated }) => isIsolated)
    const isQuiet = runs || (this.#waiting.size > 0 && waits())
    if (isQuiet === this.#isQuiet) return
    this.#isQuiet = isQuiet
    this.#quieting = this.#quiet(isQuiet)
    if (!isQuiet) {
      this.#hushing = new AbortController()
      return
    }
    this.#hushing.abort(null)
    for (const one of this.#waiting) if (one.isCharged && !one.isIsolated) one.giveUp()
  }

  #mayEnter(isAlone: boolean): boolean {
    return this.#inside === 0 || !(isAlone || this.#isAlone)
  }

  #admit({ isAlone, isIsolated = false }: Company): void {
    this.#inside++
    this.#isAlone = isAlone
    this.#isIsolated = isIsolated
  }

  #wait(company: Company, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = () => {
        signal.removeEventListener('abort', giveUp)
        this.#waiting.delete(waiter)
        resolve(false)
        this.#admitNext() // those behind it may have waited for nothing else
        this.#hush()
      }
      const waiter: Waiter = {
        ...company,
        giveUp,
        admit: () => {
          signal.removeEventListener('abort', giveUp)
          this.#waiting.delete(waiter)
          this.#admit(company)
          resolve(true)
        },
      }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#waiting.add(waiter)
      this.#hush()
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
 * it must not keep the gate closed for ever, and is a stray until it ends.
 */
export class Pass {
  readonly #gate: Gate
  #companyUntilMs: number | null = null
  #isInside = true

  constructor(gate: Gate) {
    this.#gate = gate
  }

  /** A handler runs on it; given up, it counts as company of whoever starts until then. */
  begin(companyUntilMs: number): void {
    this.#companyUntilMs = companyUntilMs
  }

  /** The handler has returned, whatever became of its message. */
  end(): void {
    if (!this.#isInside) this.#gate.strayEnded(this)
    this.#companyUntilMs = null
  }

  leave(): void {
    if (!this.#isInside) return
    this.#isInside = false
    if (this.#companyUntilMs !== null) this.#gate.strays(this, this.#companyUntilMs)
    this.#gate.left()
  }
}
