import type { Cause } from '../terms.ts'
import type { Budget } from './budget.ts'
import type { Episode } from './episodes.ts'

/** A cause that fits. `event`: the one whose budget it takes from. */
export interface Match {
  readonly cause: Cause
  readonly event: number | null
}

/**
 * The first that is legal, else the first, and takes it from its budget. Null: nothing that was
 * recorded explains it.
 */
export function choose<M extends Match>(
  matches: readonly M[],
  legal: readonly Cause[],
  budget: Budget,
  message: number,
): M | null {
  const chosen = matches.find(({ cause }) => legal.includes(cause)) ?? matches[0]
  if (!chosen) return null
  if (chosen.event !== null) budget.spend(chosen.event, message)
  return chosen
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
    if (fits(episode) && budget.hasRoom(episode.event, message)) first = episode.event
  }
  return first === null ? [] : [{ cause, event: first }]
}
