import type { Cause } from '../terms.ts'
import type { Budget } from './budget.ts'
import type { Episode } from './episodes.ts'

/** A cause that fits. `event`: the one whose budget it takes from. */
export interface Match {
  readonly cause: Cause
  readonly event: number | null
}

/**
 * The first that is legal, and takes it from its budget; else the first, which excuses nothing, and
 * so leaves the budget to others. Null: nothing that was recorded explains it.
 */
export function choose<M extends Match>(
  matches: readonly M[],
  legal: readonly Cause[],
  budget: Budget,
  message: number,
): M | null {
  const excuse = matches.find(({ cause }) => legal.includes(cause))
  if (excuse && excuse.event !== null) budget.spend(excuse.event, message)
  return excuse ?? matches[0] ?? null
}

/** The first episode that fits and has room for one more message, as a match. */
export function withinBudget(
  cause: Cause,
  episodes: readonly Episode[],
  budget: Budget,
  message: number,
  fits: (episode: Episode) => boolean,
): Match[] {
  let first: number | null = null
  for (const episode of episodes) {
    if (first !== null && first <= episode.event) continue
    if (fits(episode) && budget.hasRoom(episode, message)) first = episode.event
  }
  return first === null ? [] : [{ cause, event: first }]
}
