import type { DeadLetter, ErrorInfo } from '../../../core/message.ts'
import { shortError, shortLetter } from '../../_shared/shortened.ts'
import { headerKeys as keys, headerNames as names } from './headerNames.ts'
import type { Past, Read, StoredRecord } from './message.ts'
import { headerList, type OutgoingRecord } from './record.ts'

/** Said anew of each copy, or of none. */
const replaced: ReadonlySet<string> = new Set([
  names.id,
  names.position,
  names.redrives,
  names.failures,
  names.crashes,
  names.firstFailed,
  names.lastError,
  names.due,
  names.letter,
  names.key,
])

/** A record in another topic: its bytes as they are, and what has become of it since. */
export function copyOf(
  { key, value, headers, timestampMs }: StoredRecord,
  { message, position }: Pick<Read, 'message' | 'position'>,
  past: Past,
  letter: DeadLetter | null = null,
): OutgoingRecord {
  const said: [Buffer, Buffer | null][] = []
  for (const one of headers) if (!replaced.has(one[0].toString())) said.push([one[0], one[1]])
  const say = (name: keyof typeof keys, text: string | number) =>
    said.push([keys[name], Buffer.from(String(text))])
  say('id', message.id)
  say('position', position)
  if (past.redrives > 0) say('redrives', past.redrives)
  if (past.failures > 0) say('failures', past.failures)
  if (past.crashes > 0) say('crashes', past.crashes)
  if (past.dueMs !== null) say('due', past.dueMs)
  if (past.history !== null) {
    say('firstFailed', past.history.firstFailedMs)
    say('lastError', JSON.stringify(shortError(past.history.last)))
  }
  if (letter !== null) say('letter', JSON.stringify(shortLetter(letter)))
  return { key, value, headers: headerList(said), timestampMs }
}

/** After one failure more. */
export function failed(past: Past, failures: number, error: ErrorInfo, dueMs: number | null): Past {
  const firstFailedMs = past.history?.firstFailedMs ?? error.atMs
  return { ...past, failures, dueMs, history: { firstFailedMs, last: error } }
}
