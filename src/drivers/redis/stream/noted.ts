import type { ErrorInfo } from '../../../core/message.ts'

/** What is kept of the failures of an entry, as JSON under its id, until it is settled. */
export interface Noted {
  readonly failures: number
  readonly past: { readonly firstFailedMs: number; readonly last: ErrorInfo } | null
}

/** What is no such JSON was written by somebody else, and says nothing. */
export function readNoted(text: string | null): Noted | null {
  if (text === null) return null
  try {
    const { failures, past } = JSON.parse(text) as Noted
    return { failures: Number.isSafeInteger(failures) ? failures : 0, past: past ?? null }
  } catch {
    return null
  }
}
