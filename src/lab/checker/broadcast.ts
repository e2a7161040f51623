import type { Evidence, LedgerFile } from '../evidence/evidence.ts'
import type { Terms } from '../terms.ts'
import type { BroadcastAccount, SubscriberAccount } from './broadcastAccounting.ts'
import { Budget } from './budget.ts'
import { outcomeOf } from './countMessages.ts'
import { duesOf, unheardOf } from './dues.ts'
import { Episodes } from './episodes.ts'
import { Gaps } from './gaps.ts'
import { groupTrails } from './groupTrails.ts'
import type { GroupHistory, History } from './history.ts'
import { actorName, type Interval } from './intervals.ts'
import { isWorker, loadHistory } from './load.ts'
import type { Scene } from './lossCauses.ts'
import { missedAccount } from './missedAccount.ts'
import { Moments } from './moments.ts'
import { repeatAccounts } from './repeatAccount.ts'
import { storeStops } from './storeStops.ts'
import { Trails } from './trails.ts'

/**
 * Who was owed which message of a broadcast, and what of it never came. `guardMs` as in `account`.
 * @throws INTERNAL when the evidence contradicts itself.
 */
export function broadcastAccount(
  evidence: Evidence,
  terms: Terms,
  guardMs: number,
): BroadcastAccount {
  const ledgers = evidence.ledgers.map(asOwnGroup)
  const loaded = loadHistory({ ...evidence, ledgers })
  const { history, origins } = loaded
  const groups = history.groups.filter(({ group }) => group !== null)
  const wanted = new Uint8Array(history.messages)
  for (const { received } of groups) {
    received.forEach((count, message) => {
      if (count > 1) wanted[message] = 1
    })
  }
  const trails = new Trails(ledgers, origins, history.baseNs, wanted)
  const guardNs = guardMs * 1e6
  const episodes = new Episodes(history.events)
  const facts = {
    ...{ terms, guardNs, episodes },
    storeStops: storeStops(ledgers, history.baseNs, terms, episodes, guardNs),
    moments: new Moments(ledgers, history.baseNs),
    gaps: new Gaps(ledgers, loaded, terms),
    actors: history.ledgers.map(actorName),
  }
  const acknowledged = acknowledgedOf(history)
  const lives: Interval[] = []
  const subscribers = groups.map((group) => {
    const scene: Scene = { ...facts, budget: new Budget(terms.inHandMax) }
    const actors = history.ledgers.filter((one) => isWorker(one.role) && one.group === group.group)
    const names = actors.map(actorName)
    const own = names.flatMap((name) =>
      scene.episodes.livesOf(name, terms.resumes, scene.moments.cutsOf(name)),
    )
    lives.push(...own)
    const { owed, edge, missed } = duesOf(acknowledged, history, group, own, scene.guardNs)
    const repeated = messagesWhere(history, (message) => (group.received[message] as number) > 1)
    const trailOf = groupTrails(history, group, trails)
    const account: SubscriberAccount = {
      subscriber: Number(group.group),
      owed,
      edge,
      delivered: messagesWhere(history, (message) => group.received[message] !== 0).length,
      missed: missedAccount(missed, history, names, scene),
      extra: repeatAccounts(repeated, history, scene, trailOf).redelivered,
      unexpected: group.unexpected,
    }
    return account
  })
  const starts = history.ledgers.filter(({ role }) => isWorker(role)).map(actorName)
  const unheard = unheardOf(acknowledged, history, lives, starts, facts)
  return { ...publishedOf(history, groups), unheard, subscribers }
}

/** Each subscriber, over all its starts, is a group by itself. */
function asOwnGroup(ledger: LedgerFile): LedgerFile {
  const { sidecar } = ledger
  if (!isWorker(sidecar.role)) return ledger
  return { ...ledger, sidecar: { ...sidecar, group: String(sidecar.actor).padStart(5, '0') } }
}

/** Of those that were published. */
function messagesWhere(history: History, holds: (message: number) => boolean): number[] {
  const found: number[] = []
  for (let message = 0; message < history.messages; message++) {
    if (history.attempts[message] !== 0 && holds(message)) found.push(message)
  }
  return found
}

function acknowledgedOf(history: History): number[] {
  return messagesWhere(
    history,
    (message) => outcomeOf(history.told[message] as number) === 'acknowledged',
  )
}

function publishedOf(
  history: History,
  groups: readonly GroupHistory[],
): Omit<BroadcastAccount, 'unheard' | 'subscribers'> {
  const counts = { attempted: 0, acknowledged: 0, failed: 0, indeterminate: 0, phantom: 0 }
  for (const message of messagesWhere(history, () => true)) {
    const outcome = outcomeOf(history.told[message] as number)
    counts.attempted++
    counts[outcome]++
    const isHeard = groups.some(({ received }) => received[message] !== 0)
    if (outcome === 'failed' && isHeard) counts.phantom++
  }
  return counts
}
