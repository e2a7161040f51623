import { NarrowcastError } from '../../core/errors.ts'
import { redisError } from './redisErrors.ts'

/** What is asked of a server, or the reason of the signal: who asked no longer waits. @throws ABORTED */
export async function untilAborted<T>(
  asking: Promise<T>,
  signal: AbortSignal,
  operation: string,
): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(abortedError(signal.reason, operation))
  signal.addEventListener('abort', abort)
  try {
    if (signal.aborted) abort()
    return await Promise.race([asking, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
    asking.catch(() => {}) // whoever asked has been told of the abort
  }
}

function abortedError(reason: unknown, operation: string): NarrowcastError {
  if (reason instanceof NarrowcastError) return reason
  return redisError('ABORTED', operation, 'it was aborted before the server had answered')
}
