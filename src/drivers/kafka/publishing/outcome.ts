import type { PublishOutcome } from '../../../core/message.ts'
import { codeOfError, nameOfError } from '../kafkaErrors.ts'

/**
 * What an error code of a produce request means.
 * stored: it is there, be it from an earlier try. again: another node may take it, or this one later.
 * lost: the broker knows nothing of our sequence any more. refused: it was certainly not stored.
 */
export function verdictOn(errorCode: number): 'stored' | 'again' | 'lost' | 'refused' {
  if (errorCode === 0 || errorCode === duplicate) return 'stored'
  if (again.has(errorCode)) return 'again'
  return lost.has(errorCode) ? 'lost' : 'refused'
}

/**
 * The leader has it, and may yet lose it, or may not. Whatever the error: who tells an offset has written
 * it there. So does a leader that steps down, as when it is shut down, before it could answer.
 */
export const isAmbiguous = (errorCode: number, baseOffset: bigint) =>
  baseOffset >= 0n || ambiguous.has(errorCode)

/** One record may be why: MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, INVALID_RECORD. */
export const isOfOne = (errorCode: number) => ofOne.has(errorCode)
const ofOne: ReadonlySet<number> = new Set([10, 18, 32, 87])

/** DUPLICATE_SEQUENCE_NUMBER */
const duplicate = 46
/** REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND, and what the server cannot name. */
const ambiguous: ReadonlySet<number> = new Set([7, 13, 20, -1])
/** Leaders that have moved, and replicas that are behind. */
const again: ReadonlySet<number> = new Set([3, 5, 6, 7, 8, 13, 19, 20, 56, 72, 74, 75, 100])
/** OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, UNKNOWN_PRODUCER_ID, PRODUCER_FENCED */
const lost: ReadonlySet<number> = new Set([45, 47, 59, 90])

export type Refused = Extract<PublishOutcome, { state: 'refused' }>

export function refused(errorCode: number, topic: string, more: string | null): Refused {
  const said = more === null || more === '' ? '' : `: ${more}`
  const message = `kafka: publish: topic "${topic}": ${nameOfError(errorCode)}${said}`
  return { state: 'refused', code: codeOfError(errorCode), message }
}
