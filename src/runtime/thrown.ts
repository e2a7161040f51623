import { inspect } from 'node:util'
import { type ErrorDetails, NarrowcastError } from '../core/errors.ts'

/** The text of anything that can be thrown or returned, also of what cannot become a string. */
export function textOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message
  return typeof thrown === 'string' ? thrown : inspect(thrown, { depth: 0, breakLength: Infinity })
}

/** What a caller's own signal ends with. */
export function abortedError(
  what: string,
  signal: AbortSignal,
  details: ErrorDetails = {},
): NarrowcastError {
  return new NarrowcastError('ABORTED', `${what} was aborted: ${textOf(signal.reason)}`, {
    ...details,
    cause: signal.reason,
  })
}
