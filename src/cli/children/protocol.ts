import { type ErrorCode, NarrowcastError } from '../../core/errors.ts'

/** What the parent says to a child. `job` comes once, first. */
export type ToChild<Job> =
  | { readonly kind: 'job'; readonly name: string; readonly job: Job }
  | { readonly kind: 'drain' }

/** What a child says to its parent. */
export type FromChild<Event> =
  | { readonly kind: 'event'; readonly event: Event }
  /** It cannot start, or it cannot go on: starting it anew would not help. */
  | { readonly kind: 'failed'; readonly error: PlainError }
  /** All is settled or given back; it ends now. */
  | { readonly kind: 'done' }

/** An error on its way between processes. */
export interface PlainError {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string | null
}

export function plainError({ code, message, hint }: NarrowcastError): PlainError {
  return { code, message, hint }
}

export function errorOf({ code, message, hint }: PlainError): NarrowcastError {
  return new NarrowcastError(code, message, hint === null ? {} : { hint })
}
