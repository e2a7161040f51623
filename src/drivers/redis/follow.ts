import { setTimeout as wait } from 'node:timers/promises'
import { NarrowcastError } from '../../core/errors.ts'

/** How long a failover is waited for before it is told, and how often it is looked for. */
const followMsMax = 5_000
const lookMs = 100

/**
 * Goes after a primary that is moving: asks where it is now, and tries it there. What is asked of
 * it has not left yet, so nothing is sent twice.
 */
export async function follow<A, T>(
  ask: () => Promise<A>,
  reach: (answer: A) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const untilMs = performance.now() + followMsMax
  for (;;) {
    const answer = await ask()
    try {
      return await reach(answer)
    } catch (error) {
      if (!mayMove(error) || performance.now() > untilMs || signal.aborted) throw error
      await wait(lookMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) throw error
    }
  }
}

function mayMove(error: unknown): boolean {
  if (!(error instanceof NarrowcastError)) return false
  return error.code === 'CONNECT_FAILED' || error.code === 'UNAVAILABLE'
}
