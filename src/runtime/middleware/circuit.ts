import type { Clock } from '../../core/clock.ts'
import { FailureWindow } from './failureWindow.ts'

/** closed: all run. open: none does. half-open: a few are tried. */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** void: it says nothing about what the handler depends on. */
export type RunEnd = 'succeeded' | 'failed' | 'void'

/** The right to run once. The first end counts. */
export type Pass = (end: RunEnd) => void

export interface CircuitPlan {
  /** Is it too much? */
  readonly opensAt: (runs: number, failures: number) => boolean
  readonly windowMs: number
  readonly openMs: number
  /** Runs that are tried after that; all of them must succeed. */
  readonly halfOpen: number
  readonly onChange: (state: CircuitState) => void
}

/** Who may run, given how the runs before ended. */
export class Circuit {
  readonly #plan: CircuitPlan
  readonly #window: FailureWindow
  #state: CircuitState = 'closed'
  /** Counts changes of the state. */
  #era = 0
  #openUntilMs = 0
  #trials = 0
  #successes = 0
  /** Fires when somebody who was refused may ask again before its time. */
  #changed = new AbortController()

  constructor(plan: CircuitPlan) {
    this.#plan = plan
    this.#window = new FailureWindow(plan.windowMs)
  }

  /** @returns null: not now. */
  enter(clock: Clock): Pass | null {
    if (this.#state === 'open' && clock.monotonicMs() >= this.#openUntilMs)
      this.#become('half-open')
    if (this.#state === 'closed') return this.#once((end) => this.#ran(clock, end))
    if (this.#state === 'open' || this.#trials + this.#successes >= this.#plan.halfOpen) return null
    this.#trials++
    return this.#once((end) => this.#tried(clock, end))
  }

  /** Waits for its turn. @throws the reason of the signal when it fires before. */
  async entered(clock: Clock, signal: AbortSignal): Promise<Pass> {
    for (;;) {
      signal.throwIfAborted()
      const pass = this.enter(clock)
      if (pass) return pass
      const leftMs = this.#openUntilMs - clock.monotonicMs()
      const waitMs = this.#state === 'open' ? leftMs : this.#plan.openMs
      await clock.sleep(waitMs, AbortSignal.any([signal, this.#changed.signal]))
    }
  }

  /** What began before the state changed says nothing about the new one. */
  #once(ended: (end: RunEnd) => void): Pass {
    const era = this.#era
    let isOver = false
    return (end) => {
      if (!isOver && era === this.#era) ended(end)
      isOver = true
    }
  }

  #ran(clock: Clock, end: RunEnd): void {
    if (end === 'void') return
    const nowMs = clock.monotonicMs()
    this.#window.add(nowMs, end === 'failed')
    if (this.#plan.opensAt(this.#window.runs, this.#window.failures)) this.#open(nowMs)
  }

  #tried(clock: Clock, end: RunEnd): void {
    this.#trials--
    if (end === 'failed') this.#open(clock.monotonicMs())
    else if (end === 'void') this.#wake()
    else if (++this.#successes >= this.#plan.halfOpen) this.#become('closed')
  }

  #open(nowMs: number): void {
    this.#openUntilMs = nowMs + this.#plan.openMs
    this.#become('open')
  }

  #become(state: CircuitState): void {
    this.#state = state
    this.#era++
    this.#trials = 0
    this.#successes = 0
    this.#window.clear()
    this.#wake()
    this.#plan.onChange(state)
  }

  #wake(): void {
    const changed = this.#changed
    this.#changed = new AbortController()
    changed.abort(null)
  }
}
