import { NarrowcastError } from '../../core/errors.ts'

/** The state cannot be reached; what was asked may have been done or not. */
export function isOutage(error: unknown): boolean {
  return error instanceof NarrowcastError && ['UNAVAILABLE', 'CLOSED'].includes(error.code)
}
