import type { Cause } from '../terms.ts'
import { awayCauses } from './awayCauses.ts'
import type { MissedAccount } from './broadcastAccounting.ts'
import { choose, withinBudget } from './explain.ts'
import type { History } from './history.ts'
import { sampleOf } from './identityOf.ts'
import { type Interval, touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'

/** `missed`: messages, in order. `actors`: the names of all starts of the subscriber. */
export function missedAccount(
  missed: readonly number[],
  history: History,
  actors: readonly string[],
  scene: Scene,
): MissedAccount {
  const byCause: Partial<Record<Cause, number>> = {}
  const unexplained = new Set<number>()
  const sentOf = (message: number) => history.sentNs[message] as number
  const overflows = actors.flatMap((actor) => scene.gaps.overflowsOf(actor))
  const deaths = actors.flatMap((actor) =>
    scene.episodes.deathsOf(actor).map((death) => ({ ...death, actor })),
  )
  // What gaps say is used up in the order in which it was dropped.
  for (const message of [...missed].sort((a, b) => sentOf(a) - sentOf(b) || a - b)) {
    const sentNs = sentOf(message)
    const untilNs = (history.okNs[message] as number) + scene.guardNs
    const key = history.key[message] as number
    // What waits to be read at a death is newer than all that was, of its key at least.
    const unread = deaths.map(({ actor, ...death }) => ({
      ...death,
      fromNs: scene.gaps.newestOf(actor, key),
    }))
    const isAround = (one: Interval) => touches(one, sentNs, untilNs)
    const matches = [
      ...withinBudget('overflow', overflows, scene.budget, message, isAround),
      ...withinBudget('worker-killed', unread, scene.budget, message, isAround),
      ...awayCauses(sentNs, untilNs, actors, scene).map((cause) => ({ cause, event: null })),
    ]
    const chosen = choose(matches, scene.terms.mayLose, scene.budget, message)
    if (chosen === null) unexplained.add(message)
    else byCause[chosen.cause] = (byCause[chosen.cause] ?? 0) + 1
  }
  return {
    total: missed.length,
    byCause,
    unexplained: unexplained.size,
    sample: sampleOf(missed, history.origins),
    unexplainedSample: sampleOf(
      missed.filter((message) => unexplained.has(message)),
      history.origins,
    ),
  }
}
