import type { Evidence } from '../evidence/evidence.ts'
import type { Terms } from '../terms.ts'
import type { GroupAccount } from './accounting.ts'
import { Budget } from './budget.ts'
import { countMessages } from './countMessages.ts'
import { Episodes } from './episodes.ts'
import { Gaps } from './gaps.ts'
import { groupTrails } from './groupTrails.ts'
import { actorName } from './intervals.ts'
import { lateUnfounded } from './leaseLoss.ts'
import { type Loaded, loadHistory } from './load.ts'
import { lossAccount } from './lossAccount.ts'
import type { Scene } from './lossCauses.ts'
import { Moments } from './moments.ts'
import { repeatAccounts } from './repeatAccount.ts'
import { storeStops } from './storeStops.ts'
import { Trails } from './trails.ts'

/**
 * What became of every message, in the eyes of each group, and why. For queue, narrowcast and
 * stream. `guardMs`: by how much the clocks of what happened in two processes may seem apart.
 * @throws INTERNAL when the evidence contradicts itself.
 */
export function account(
  evidence: Evidence,
  terms: Terms,
  guardMs: number,
  loaded: Loaded = loadHistory(evidence),
): GroupAccount[] {
  const { history, origins } = loaded
  const counted = history.groups.map((group) => countMessages(history, group, terms))
  const wanted = new Uint8Array(history.messages)
  for (const { lost, repeated, late } of counted) {
    for (const messages of [lost, repeated, late]) {
      for (const message of messages) wanted[message] = 1
    }
  }
  const trails = new Trails(evidence.ledgers, origins, history.baseNs, wanted)
  const episodes = new Episodes(history.events)
  const moments = new Moments(evidence.ledgers, history.baseNs)
  const guardNs = guardMs * 1e6
  const stops = storeStops(evidence.ledgers, history.baseNs, terms, episodes, guardNs)
  const gaps = new Gaps(evidence.ledgers, loaded, terms)
  const actors = history.ledgers.map(actorName)
  return history.groups.map((group, at) => {
    const { counts, lost, repeated, late } = counted[at] as ReturnType<typeof countMessages>
    const scene: Scene = {
      terms,
      guardNs,
      episodes,
      moments,
      storeStops: stops,
      gaps,
      actors,
      budget: new Budget(terms.inHandMax),
    }
    const trailOf = groupTrails(history, group, trails)
    return {
      ...counts,
      lateUnfounded: lateUnfounded(late, scene, trailOf),
      lost: lossAccount(lost, history, group, scene, trailOf),
      ...repeatAccounts(repeated, history, scene, trailOf),
    }
  })
}
