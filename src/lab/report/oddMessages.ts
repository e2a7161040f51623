import type { History } from '../checker/history.ts'
import { identityOf } from '../checker/identityOf.ts'
import { fatesOf } from './fates.ts'
import type { Wanted } from './messageTrail.ts'

export interface OddMessages {
  /** All there are. */
  readonly total: number
  /** By producer, start and sequence. */
  readonly first: readonly Wanted[]
}

/** Messages that were not plainly fine, of those that have one of `among`: all, where it is null. */
export function oddMessages(
  history: History,
  isBroadcast: boolean,
  among: ReadonlySet<string> | null,
  most: number,
): OddMessages {
  const first: Wanted[] = []
  let total = 0
  for (let message = 0; message < history.messages; message++) {
    if (history.attempts[message] === 0) continue
    const fates = fatesOf(history, message, isBroadcast)
    if (!(among === null ? fates.length > 0 : fates.some((fate) => among.has(fate)))) continue
    total++
    if (first.length < most) first.push({ identity: identityOf(message, history.origins), fates })
  }
  return { total, first }
}
