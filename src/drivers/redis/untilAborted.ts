import { untilAborted as untilAbortedAs } from '../_shared/untilAborted.ts'
import { redisError } from './redisErrors.ts'

/** What is asked of a server, or the reason of the signal: who asked no longer waits. @throws ABORTED */
export function untilAborted<T>(
  asking: Promise<T>,
  signal: AbortSignal,
  operation: string,
): Promise<T> {
  return untilAbortedAs(asking, signal, () =>
    redisError('ABORTED', operation, 'it was aborted before the server had answered'),
  )
}
