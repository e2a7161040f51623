/** Time comes in from outside, so that a test makes an hour pass in milliseconds. */
export interface Clock {
  /** Milliseconds since 1970, may jump. */
  wallMs(): number
  /** Milliseconds since some start, never goes back. */
  monotonicMs(): number
  /** Resolves after `ms`, or at once when the signal fires. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** The longest wait that a timer of Node takes in one piece. */
const timerMsMax = 2_147_483_647

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    // Not timers/promises: its abort makes an error with a stack for every wait that ends early.
    new Promise((resolve) => {
      if (signal.aborted) {
        resolve()
        return
      }
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(Math.max(0, ms), timerMsMax))
      signal.addEventListener('abort', done)
    }),
}
