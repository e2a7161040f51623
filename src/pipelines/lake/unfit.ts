import type { Raw, Refusal } from '../sink.ts'
import { hasDate } from './layout.ts'

/**
 * Why the facts of a message fit no file, whatever its rows are: a time without a day of four
 * digits, or an id that UTF-8 would make one with others. `publish` refuses such facts; a store
 * that another program fills may hold them all the same. null: they fit.
 */
export function unfit({ message }: Raw): Refusal | null {
  const { id, timeMs } = message
  if (!hasDate(timeMs)) {
    return refusal('timeMs', `expected a time of the years 1970 to 9999, got ${timeMs} ms`)
  }
  if (!id.isWellFormed()) return refusal('id', 'holds half of a surrogate pair')
  return null
}

function refusal(path: string, message: string): Refusal {
  return { cause: 'invalid', error: { name: 'Invalid', message, path }, schema: null }
}
