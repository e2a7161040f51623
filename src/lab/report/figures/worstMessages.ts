import type { GroupHistory, History } from '../../checker/history.ts'
import { identityOf } from '../../checker/identityOf.ts'
import { fatesOf as wordsOf } from '../fates.ts'
import { messageTrails, type TrailSource } from '../messageTrail.ts'
import type { MessageTrail } from '../types.ts'
import { fates } from './fates.ts'

/** Messages that did not simply go well, with all that was written about them. */
export interface WorstMessages {
  /** The worst ones first, at most `messagesMax`. */
  readonly first: readonly MessageTrail[]
  /** As many there are. */
  readonly total: number
}

/** As many as are ever written down one by one. */
export const messagesMax = 10_000

/** Between those that were done again and the dead. */
const rankOfRedelivered = fates.indexOf('reprocessed') + 0.5

/** `fateOf`: of each group. Of those that fare alike, by producer, start and sequence. */
export function worstMessages(
  history: History,
  groups: readonly GroupHistory[],
  fateOf: readonly Uint8Array[],
  source: TrailSource,
): WorstMessages {
  const well = fates.indexOf('ok')
  const ranks = [...fates.keys(), rankOfRedelivered].sort((a, b) => a - b)
  const byRank = new Map(ranks.map((rank) => [rank, [] as number[]]))
  let total = 0
  for (let message = 0; message < history.messages; message++) {
    if (history.attempts[message] === 0) continue
    let rank = well
    for (const one of fateOf) rank = Math.min(rank, one[message] as number)
    if (rank > rankOfRedelivered && isRedelivered(groups, message)) rank = rankOfRedelivered
    if (rank === well) continue
    total++
    const list = byRank.get(rank)
    if (list && list.length < messagesMax) list.push(message)
  }
  const worst = [...byRank.values()].flat().slice(0, messagesMax)
  const first = messageTrails(
    source,
    worst.map((message) => ({
      identity: identityOf(message, history.origins),
      fates: wordsOf(history, message, source.isBroadcast),
    })),
  )
  return { first, total }
}

function isRedelivered(groups: readonly GroupHistory[], message: number): boolean {
  for (const { received } of groups) if ((received[message] as number) > 1) return true
  return false
}
