import type { Cause } from '../terms.ts'
import { awayCauses } from './awayCauses.ts'
import type { Unheard } from './broadcastAccounting.ts'
import { type GroupHistory, type History, told } from './history.ts'
import { type Interval, shrunk, touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'

interface Dues {
  readonly owed: number
  readonly edge: number
  /** Owed, and never delivered. */
  readonly missed: readonly number[]
}

/** What one subscriber was owed of the acknowledged messages, by the times at which it was live. */
export function duesOf(
  acknowledged: readonly number[],
  history: History,
  { received }: GroupHistory,
  lives: readonly Interval[],
  guardNs: number,
): Dues {
  const certain = shrunk(lives, guardNs)
  let owed = 0
  let edge = 0
  const missed: number[] = []
  for (const message of acknowledged) {
    const sentNs = history.sentNs[message] as number
    const okNs = history.okNs[message] as number
    if (certain.some(({ fromNs, toNs }) => fromNs <= sentNs && okNs <= toNs)) {
      owed++
      if (received[message] === 0) missed.push(message)
    } else if (lives.some((life) => touches(life, sentNs, okNs))) edge++
  }
  return { owed, edge, missed }
}

/**
 * What was acknowledged while nobody was live, and came to nobody. `lives`: of all subscribers;
 * `actors`: the names of all their starts.
 */
export function unheardOf(
  acknowledged: readonly number[],
  history: History,
  lives: readonly Interval[],
  actors: readonly string[],
  scene: Omit<Scene, 'budget'>,
): Unheard {
  const { episodes, guardNs, terms } = scene
  const beliefNs = terms.reclaimWithinMs * 1e6 + guardNs
  const deaths = actors.flatMap((actor) => episodes.deathsOf(actor))
  const silentByCause: Partial<Record<Cause, number>> = {}
  let reported = 0
  let silent = 0
  for (const message of acknowledged) {
    const sentNs = history.sentNs[message] as number
    const okNs = history.okNs[message] as number
    if (lives.some((life) => touches(life, sentNs, okNs))) continue
    if (history.groups.some(({ received }) => received[message] !== 0)) continue
    if (((history.told[message] as number) & told.noReceiver) !== 0) {
      reported++
      continue
    }
    silent++
    const isToDead = deaths.some(({ fromNs, toNs }) =>
      touches({ fromNs, toNs: toNs + beliefNs }, sentNs, sentNs),
    )
    const [away] = awayCauses(sentNs, okNs + guardNs, actors, scene)
    const cause = isToDead ? 'worker-killed' : (away ?? 'no-worker')
    silentByCause[cause] = (silentByCause[cause] ?? 0) + 1
  }
  return { total: reported + silent, reported, silent, silentByCause }
}
