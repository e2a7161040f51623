import type { Clock } from '../core/clock.ts'

/**
 * Runs `work` with a signal that fires after `ms`, with `reason`, or with `outer`. Resolves as
 * soon as the work ends; the timer never outlives it.
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  outer: AbortSignal | null,
  reason: (() => unknown) | null,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ended = new AbortController()
  const limit = new AbortController()
  const abort = () => limit.abort(outer?.reason)
  if (outer?.aborted) abort()
  else outer?.addEventListener('abort', abort)
  void clock.sleep(ms, ended.signal).then(() => {
    if (!ended.signal.aborted) limit.abort(reason ? reason() : null)
  })
  try {
    return await work(limit.signal)
  } finally {
    ended.abort(null) // no reason: the default one is an error with a stack
    outer?.removeEventListener('abort', abort)
  }
}
