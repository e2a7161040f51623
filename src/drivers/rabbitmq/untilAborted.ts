import { untilAborted as untilAbortedAs } from '../_shared/untilAborted.ts'
import { rabbitmqError } from './rabbitmqErrors.ts'

/** What is asked of a broker, for as long as somebody waits for it. @throws ABORTED */
export function untilAborted<T>(
  asking: Promise<T>,
  signal: AbortSignal,
  operation: string,
): Promise<T> {
  const text = 'it was aborted before the broker had answered'
  return untilAbortedAs(asking, signal, () => rabbitmqError('ABORTED', operation, text))
}
