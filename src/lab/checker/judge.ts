import type { Evidence } from '../evidence/evidence.ts'
import type { RunTerms } from '../termsOf.ts'
import { account } from './account.ts'
import type { GroupAccount } from './accounting.ts'
import { type BiteCondition, bitesOf } from './bites.ts'
import { broadcastAccount } from './broadcast.ts'
import type { BroadcastAccount } from './broadcastAccounting.ts'
import { broadcastChecks, type Check, checksOf, deafCheck, placeCheck } from './checks.ts'
import { violationsOf } from './conservation.ts'
import { Episodes } from './episodes.ts'
import { type Epoch, evennessOf } from './evenness.ts'
import type { GroupHistory } from './history.ts'
import { actorName } from './intervals.ts'
import { keyOverlaps } from './keyOverlap.ts'
import {
  type DeliveryLatency,
  deliveryLatency,
  type PublishLatency,
  publishLatency,
} from './latency.ts'
import { type Loaded, loadHistory } from './load.ts'
import { loopDelayMs } from './loopDelay.ts'
import { Moments } from './moments.ts'
import { disagreementsOf } from './oracle.ts'
import { type Order, orderOf } from './order.ts'
import { type GroupPositions, positionsOf } from './positions.ts'
import { type Recovery, recoveryOf } from './recovery.ts'
import { longestSilence } from './silence.ts'
import { unsound } from './soundRecords.ts'
import type { Bite } from './verdict.ts'

export interface GroupJudgement {
  readonly account: GroupAccount
  readonly order: Order
  readonly checks: readonly Check[]
  /** By time. Its times, and those of `recovery`, are nanoseconds since `Judgement.baseNs`. */
  readonly evenness: readonly Epoch[]
  /** By fault. */
  readonly recovery: readonly Recovery[]
  readonly deliveryLatency: DeliveryLatency
  readonly positions: GroupPositions
}

export interface Judgement {
  readonly groups: readonly GroupJudgement[]
  /** Where the broker's own counts say something else than the ledgers. */
  readonly disagreements: readonly string[]
  /** Whether the faults hit something. */
  readonly bites: readonly Bite[]
  readonly ownEnds: readonly string[]
  readonly publishLatency: PublishLatency
  /** From which other times count: the monotonic time of the first that was written down. */
  readonly baseNs: bigint
  /** By how much times of two processes may have been apart: as asked, and how late event loops were. */
  readonly guardMs: number
}

export interface BroadcastJudgement
  extends Pick<Judgement, 'bites' | 'ownEnds' | 'publishLatency' | 'baseNs' | 'guardMs'> {
  readonly account: BroadcastAccount
  readonly checks: readonly Check[]
}

/**
 * All that the evidence says about a queue, a narrowcast or a stream. `guardMs` as in `account`,
 * but for how late the event loops of workers were: that is added here.
 * @throws INTERNAL when the evidence, or what was counted in it, contradicts itself.
 */
export function judge(
  evidence: Evidence,
  run: RunTerms,
  leastGuardMs: number,
  conditions: readonly BiteCondition[],
): Judgement {
  const { ledgers, depth } = evidence
  const { loaded, episodes, guardMs } = read(evidence, leastGuardMs)
  const { history } = loaded
  const accounts = account(evidence, run.terms, guardMs, loaded)
  const violations = violationsOf(accounts, ledgers)
  if (violations.length > 0) throw unsound(violations.join('; '))
  const isOrdered = run.order !== 'none'
  const moments = new Moments(ledgers, history.baseNs)
  const positions = positionsOf(ledgers, loaded)
  // A store that lost its tail gives the places of it again.
  const arePlacesUnique = episodes.brokerDowns.length === 0
  const groups = accounts.map((one, at): GroupJudgement => {
    const group = history.groups[at] as GroupHistory
    const order = orderOf(history, group)
    const overlaps = isOrdered ? keyOverlaps(ledgers, one.group, loaded, episodes) : 0
    const places = positions[at] as GroupPositions
    const heard = {
      ledgers,
      group: one.group,
      baseNs: history.baseNs,
      episodes,
      moments,
      isOrdered,
    }
    const silenceMs = longestSilence(heard, depth)
    return {
      account: one,
      order,
      checks: [
        ...checksOf(one, order, overlaps, run),
        ...(arePlacesUnique ? [placeCheck(places.conflict)] : []),
        ...(silenceMs === null ? [] : [deafCheck(silenceMs, run.terms)]),
      ],
      positions: places,
      evenness: evennessOf(history, group),
      recovery: recoveryOf(history, group, depth),
      deliveryLatency: deliveryLatency(history, group),
    }
  })
  const isDeduped = !run.terms.mayRepeat.includes('producer-retry')
  const mayForget = episodes.brokerDowns.some(({ how }) =>
    run.terms.mayLose.includes(`broker-${how}`),
  )
  const stores = mayForget ? 'some' : isDeduped ? 'ids' : 'attempts'
  return {
    groups,
    disagreements: disagreementsOf(accounts, ledgers, depth, stores),
    bites: bitesOf(conditions, loaded, evidence),
    ownEnds: ownEndsOf(evidence),
    publishLatency: publishLatency(history),
    baseNs: history.baseNs,
    guardMs,
  }
}

/**
 * All that the evidence says about a broadcast. `guardMs` as in `judge`.
 * @throws INTERNAL when the evidence contradicts itself.
 */
export function judgeBroadcast(
  evidence: Evidence,
  run: RunTerms,
  leastGuardMs: number,
  conditions: readonly BiteCondition[],
): BroadcastJudgement {
  const { loaded, guardMs } = read(evidence, leastGuardMs)
  const account = broadcastAccount(evidence, run.terms, guardMs)
  return {
    account,
    checks: broadcastChecks(account, run),
    bites: bitesOf(conditions, loaded, evidence),
    ownEnds: ownEndsOf(evidence),
    publishLatency: publishLatency(loaded.history),
    baseNs: loaded.history.baseNs,
    guardMs,
  }
}

interface Read {
  readonly loaded: Loaded
  readonly episodes: Episodes
  readonly guardMs: number
}

/** @throws INTERNAL when somebody was there and has written nothing down. */
function read(evidence: Evidence, leastGuardMs: number): Read {
  const { ledgers, events } = evidence
  const writers = new Set(ledgers.map(({ sidecar }) => actorName(sidecar)))
  const silent = events.find((one) => one.event === 'SUBSCRIBED' && !writers.has(actorName(one)))
  if (silent && 'role' in silent) {
    const { role, actor, incarnation } = silent
    throw unsound(`${role} ${actor}, start ${incarnation}, was subscribed and has no ledger`)
  }
  const loaded = loadHistory(evidence)
  const { baseNs } = loaded.history
  const episodes = new Episodes(loaded.history.events)
  return { loaded, episodes, guardMs: leastGuardMs + loopDelayMs(ledgers, baseNs, episodes) }
}

function ownEndsOf({ events }: Evidence): string[] {
  return events.flatMap((one) =>
    one.event === 'EXIT' ? [`${one.role} ${one.actor}, start ${one.incarnation},`] : [],
  )
}
