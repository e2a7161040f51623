import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'
import { redisError } from './redisErrors.ts'
import type { Home } from './servers.ts'
import { untilAborted } from './untilAborted.ts'

/**
 * What is asked for, or the end of the session where the signal fires first: it may still be
 * carried out, and a late client must be gone before anybody is told that nobody knows.
 * @throws what `ask` does; definite where the signal had fired before anything left
 */
export async function inTime<T>(
  home: Home,
  operation: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw tooLate(operation, signal, true)
  const sinceMs = performance.now()
  const lose = () => home.lose(givenUp(operation, performance.now() - sinceMs, signal))
  signal.addEventListener('abort', lose)
  try {
    return await ask()
  } catch (error) {
    throw signal.aborted ? tooLate(operation, signal, false) : error
  } finally {
    signal.removeEventListener('abort', lose)
  }
}

/**
 * The same of what nobody keeps: one that is carried out late harms nobody, so the session goes on,
 * with all that others have asked of it.
 */
export async function orUnknown<T>(
  operation: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  if (signal.aborted) throw tooLate(operation, signal, true)
  try {
    return await untilAborted(ask(), signal, operation)
  } catch (error) {
    throw signal.aborted ? tooLate(operation, signal, false) : error
  }
}

/** All that goes over it hears of that, and not of what one of them was about. */
function givenUp(operation: string, ms: number, { reason }: AbortSignal): NarrowcastError {
  const text = `it was given up: no answer for ${Math.round(ms)} ms to a ${operation}`
  return redisError(codeOf(reason), 'connection', text, { cause: reason })
}

function codeOf(reason: unknown): ErrorCode {
  return reason instanceof NarrowcastError ? reason.code : 'ABORTED'
}

function tooLate(operation: string, { reason }: AbortSignal, definite: boolean): NarrowcastError {
  const why = reason instanceof Error ? reason.message : String(reason)
  const what = definite ? 'ended before it had begun' : 'ended before there was an answer'
  return redisError(codeOf(reason), operation, `${what}: ${why}`, { definite, cause: reason })
}
