import type { Clock } from '../../core/clock.ts'
import { type ErrorCode, errorCodes } from '../../core/errors.ts'
import type { Entry } from '../evidence/entry.ts'

/** Where an actor runs, and what it writes down. */
export interface Place {
  readonly clock: Clock
  /** Monotonic, and the same for all actors of a run. */
  nowNs(): bigint
  write(entry: Entry, timeNs: bigint): void
}

/** Names of the error codes that the flags of records count, for the sidecar. */
export const codeNames = Object.keys(errorCodes) as ErrorCode[]

export function codeFlag(code: ErrorCode): number {
  return codeNames.indexOf(code)
}

/** A position as a number: `17` as it is, an entry id of a stream by its time and its place; 0: none. */
export function positionNumber(position: string | undefined): bigint {
  if (position === undefined) return 0n
  const [, high = '', low] = /^(\d+)(?:-(\d+))?$/.exec(position) ?? []
  if (high === '') return 0n
  return low === undefined ? BigInt(high) : (BigInt(high) << 20n) | BigInt(low)
}
