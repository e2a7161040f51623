import type { Clock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { Unit } from './unit.ts'

export interface OverrunHost<T> {
  readonly clock: Clock
  readonly channel: string
  readonly runMsMax: number
  readonly abortMs: number
  /** What runs now, in the order in which it began. */
  readonly units: ReadonlySet<Unit<T>>
  readonly closed: AbortSignal
  /** The handler did not end after its abort: it is given up. */
  stuck(unit: Unit<T>): void
}

const stuckHint =
  'Its slot is lost until the process ends. Let the handler obey its `signal` (hand it to what the handler waits for), then start the process anew; or give it a higher runMsMax.'

/**
 * The time limit of handlers: past `runMsMax` a handler is aborted and has failed, whatever it
 * says later; past `abortMs` more it is given up. One sleeper watches all.
 */
export class Overruns<T> {
  readonly #host: OverrunHost<T>
  #isWatching = false

  constructor(host: OverrunHost<T>) {
    this.#host = host
  }

  /** To be called when a unit has begun. */
  watch(): void {
    if (!this.#isWatching) void this.#run()
  }

  async #run(): Promise<void> {
    const { clock, units, closed } = this.#host
    this.#isWatching = true
    while (units.size > 0 && !closed.aborted) await clock.sleep(this.#abortOverdue(), closed)
    this.#isWatching = false
  }

  /** @returns ms until the next unit is due. */
  #abortOverdue(): number {
    const { clock, units, runMsMax } = this.#host
    const now = clock.monotonicMs()
    for (const unit of units) {
      if (unit.overrun || unit.isEnded) continue
      const leftMs = unit.startedMs + runMsMax - now
      if (leftMs > 0) return leftMs
      void this.#abort(unit)
    }
    return runMsMax
  }

  async #abort(unit: Unit<T>): Promise<void> {
    const { clock, channel, runMsMax, abortMs, closed } = this.#host
    const what = `the handler on "${channel}" ran longer than runMsMax, ${runMsMax} ms`
    unit.overrun = new NarrowcastError('TIMEOUT', what, { channel })
    unit.abort(unit.overrun)
    const ended = new AbortController()
    unit.onEnded = () => ended.abort()
    await clock.sleep(abortMs, AbortSignal.any([ended.signal, closed]))
    if (unit.isEnded || closed.aborted) return
    const since = `${what}, and did not end within abortMs, ${abortMs} ms, after its abort`
    unit.overrun = new NarrowcastError('STUCK', since, { channel, hint: stuckHint })
    unit.end()
    this.#host.stuck(unit)
  }
}
