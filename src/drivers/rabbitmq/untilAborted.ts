import { rabbitmqError } from './rabbitmqErrors.ts'

/** What is asked of a broker, for as long as somebody waits for it. @throws ABORTED */
export async function untilAborted<T>(
  asking: Promise<T>,
  signal: AbortSignal,
  operation: string,
): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const text = 'it was aborted before the broker had answered'
  const abort = () => aborted.reject(rabbitmqError('ABORTED', operation, text))
  signal.addEventListener('abort', abort)
  try {
    if (signal.aborted) abort()
    return await Promise.race([asking, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
