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
  return Math.round(random() * ceilingMs(failures, backoff))
}

/** The longest that the pause after so many failures can be. */
export function ceilingMs(failures: number, { delayMsMin, delayMsMax }: Backoff): number {
  return Math.min(delayMsMax, delayMsMin * 2 ** Math.min(failures, 40))
}
