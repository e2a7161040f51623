import type { Clock } from '../../core/clock.ts'
import { onlyKnown, whole, wrongOption } from '../checks.ts'
import type { Middleware } from '../handlerRun.ts'
import { Line } from './line.ts'

const perSecondMax = 1_000_000

export interface ThrottleOptions {
  /** Handlers that begin in a second, in the long run; a fraction for less than one. */
  readonly perSecond: number
  /** How many may begin at once after a pause. @default perSecond, at least 1 */
  readonly burst?: number
}

/**
 * Begins at most `burst + perSecond × t` handlers in any t seconds: of all messages that pass this
 * very function, so of one subscription, or of those that share it. Each process counts for itself.
 * A message waits in hand, the first that came first; see `HandlerRun.wait` for how long.
 * @throws INVALID_ARGUMENT
 */
export function throttle(options: ThrottleOptions): Middleware<unknown> {
  onlyKnown('throttle', options, ['perSecond', 'burst'])
  const { perSecond } = options
  if (!(perSecond > 0 && perSecond <= perSecondMax)) {
    throw wrongOption('throttle.perSecond', `a number above 0, up to ${perSecondMax}`, perSecond)
  }
  const burstDefault = Math.max(1, Math.floor(perSecond))
  const burst = whole('throttle.burst', options.burst, burstDefault, 1, perSecondMax)
  const bucket = new Bucket(perSecond, burst)
  const line = new Line()
  return async (_, next, run) => {
    const { clock } = run
    const mayBegin = line.isEmpty && bucket.take(clock.monotonicMs()) === 0
    if (!mayBegin) {
      await run.wait((signal) => line.enter(signal, () => bucket.untilTaken(clock, signal)))
    }
    return next()
  }
}

/** Tokens that come at a steady rate, up to a number; it begins full. */
class Bucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #countedMs = Number.NEGATIVE_INFINITY

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#tokens = burst
  }

  /** @returns 0 when a token was taken, else the whole ms until there may be one. */
  take(nowMs: number): number {
    const gained = (nowMs - this.#countedMs) * this.#perMs
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#countedMs = nowMs
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) / this.#perMs)
    this.#tokens--
    return 0
  }

  /** Returns without one when the signal fires. */
  async untilTaken(clock: Clock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const waitMs = this.take(clock.monotonicMs())
      if (waitMs === 0) return
      await clock.sleep(waitMs, signal)
    }
  }
}
