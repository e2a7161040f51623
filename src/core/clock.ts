import { setTimeout as wait } from 'node:timers/promises'

/** Time comes in from outside, so that a test makes an hour pass in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970, may jump. */
  wallMs(): number
  /** Milliseconds since some start, never goes back. */
  monotonicMs(): number
  /** Resolves after `ms`, or at once when the signal fires. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    if (signal.aborted) return
    await wait(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  },
}
