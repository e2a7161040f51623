import type { Evidence, LedgerFile } from '../evidence/evidence.ts'
import type { Cause, Terms } from '../terms.ts'
import type {
  BroadcastAccount,
  MissedAccount,
  SubscriberAccount,
  Unheard,
} from './broadcastAccounting.ts'
import { Budget } from './budget.ts'
import { outcomeOf } from './countMessages.ts'
import { Episodes } from './episodes.ts'
import { groupTrails } from './groupTrails.ts'
import { type GroupHistory, type History, told } from './history.ts'
import { identityOf, sampleMax } from './identityOf.ts'
import { actorName, type Interval, shrunk, touches } from './intervals.ts'
import { isWorker, loadHistory } from './load.ts'
import type { Scene } from './lossCauses.ts'
import { Moments } from './moments.ts'
import { repeatAccounts } from './repeatAccount.ts'
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
  const { history, origins } = loadHistory({ ...evidence, ledgers })
  const groups = history.groups.filter(({ group }) => group !== null)
  const wanted = new Uint8Array(history.messages)
  for (const { received } of groups) {
    received.forEach((count, message) => {
      if (count > 1) wanted[message] = 1
    })
  }
  const trails = new Trails(ledgers, origins, history.baseNs, wanted)
  const facts = {
    terms,
    guardNs: guardMs * 1e6,
    episodes: new Episodes(history.events),
    moments: new Moments(ledgers, history.baseNs),
    actors: history.ledgers.map(actorName),
  }
  const lives: Interval[] = []
  const subscribers = groups.map((group) => {
    const scene: Scene = { ...facts, budget: new Budget(terms.inHandMax) }
    const actors = history.ledgers.filter((one) => isWorker(one.role) && one.group === group.group)
    const names = actors.map(actorName)
    const own = names.flatMap((name) => scene.episodes.livesOf(name, terms.resumes))
    lives.push(...own)
    const { owed, edge, missed } = duesOf(history, group, own, scene.guardNs)
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
  return { ...publishedOf(history, groups), unheard: unheardOf(history, lives), subscribers }
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

function isAcknowledged(history: History, message: number): boolean {
  return outcomeOf(history.told[message] as number) === 'acknowledged'
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

interface Dues {
  readonly owed: number
  readonly edge: number
  readonly missed: readonly number[]
}

/** What one subscriber was owed, by the times at which it was live. */
function duesOf(
  history: History,
  group: GroupHistory,
  lives: readonly Interval[],
  guardNs: number,
): Dues {
  const certain = shrunk(lives, guardNs)
  let owed = 0
  let edge = 0
  const missed: number[] = []
  for (const message of messagesWhere(history, (one) => isAcknowledged(history, one))) {
    const sentNs = history.sentNs[message] as number
    const okNs = history.okNs[message] as number
    if (certain.some(({ fromNs, toNs }) => fromNs <= sentNs && okNs <= toNs)) {
      owed++
      if (group.received[message] === 0) missed.push(message)
    } else if (lives.some((life) => touches(life, sentNs, okNs))) edge++
  }
  return { owed, edge, missed }
}

function unheardOf(history: History, lives: readonly Interval[]): Unheard {
  const all = messagesWhere(history, (message) => {
    const sentNs = history.sentNs[message] as number
    const okNs = history.okNs[message] as number
    return isAcknowledged(history, message) && !lives.some((life) => touches(life, sentNs, okNs))
  })
  const isTold = (message: number) => ((history.told[message] as number) & told.noReceiver) !== 0
  const reported = all.filter(isTold).length
  return { total: all.length, reported, silent: all.length - reported }
}

function missedAccount(
  missed: readonly number[],
  history: History,
  actors: readonly string[],
  scene: Scene,
): MissedAccount {
  const byCause: Partial<Record<Cause, number>> = {}
  let unexplained = 0
  for (const message of missed) {
    const sentNs = history.sentNs[message] as number
    const untilNs = (history.okNs[message] as number) + scene.guardNs
    const isAway = (away: Interval) => touches(away, sentNs, untilNs)
    const { episodes, moments } = scene
    const downs = episodes.brokerDowns.filter(isAway)
    const causes: Cause[] = []
    if (actors.some((actor) => moments.cutsOf(actor).some(isAway))) causes.push('cut-off')
    if (actors.some((actor) => episodes.netsOf(actor).some(isAway))) causes.push('network')
    if (downs.some(({ how }) => how === 'stop')) causes.push('broker-stop')
    if (downs.some(({ how }) => how === 'crash')) causes.push('broker-crash')
    const cause = causes.find((one) => scene.terms.mayLose.includes(one)) ?? causes[0]
    if (cause === undefined) unexplained++
    else byCause[cause] = (byCause[cause] ?? 0) + 1
  }
  const sample = missed.slice(0, sampleMax).map((message) => identityOf(message, history.origins))
  return { total: missed.length, byCause, unexplained, sample }
}
