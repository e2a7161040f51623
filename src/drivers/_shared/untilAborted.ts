import { NarrowcastError } from '../../core/errors.ts'

/**
 * What is asked of a broker, or the reason of the signal: who asked no longer waits.
 * @throws the reason where it is one of our errors, else what `aborted` makes
 */
export async function untilAborted<T>(
  asking: Promise<T>,
  signal: AbortSignal,
  aborted: () => NarrowcastError,
): Promise<T> {
  const over = Promise.withResolvers<never>()
  const abort = () => {
    const { reason } = signal
    over.reject(reason instanceof NarrowcastError ? reason : aborted())
  }
  signal.addEventListener('abort', abort)
  try {
    if (signal.aborted) abort()
    return await Promise.race([asking, over.promise])
  } finally {
    signal.removeEventListener('abort', abort)
    asking.catch(() => {}) // whoever asked has been told of the abort
  }
}
