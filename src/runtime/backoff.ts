/** Bounds of a growing pause. */
export interface Backoff {
  readonly delayMsMin: number
  readonly delayMsMax: number
}

/**
 * Exponential backoff with full jitter: a random pause in [0, min(delayMsMax, delayMsMin × 2^n)],
 * n = earlier failures. Pure in its arguments, so that asking cannot shift the schedule.
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export function backoffMs(failures: number, backoff: Backoff, random: () => number): number {
  const ceiling = Math.min(backoff.delayMsMax, backoff.delayMsMin * 2 ** Math.min(failures, 40))
  return Math.round(random() * ceiling)
}
