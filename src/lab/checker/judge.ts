import type { Evidence } from '../evidence/evidence.ts'
import type { RunTerms } from '../termsOf.ts'
import { account } from './account.ts'
import type { GroupAccount } from './accounting.ts'
import { type BiteCondition, bitesOf } from './bites.ts'
import { type Check, checksOf } from './checks.ts'
import { violationsOf } from './conservation.ts'
import { Episodes } from './episodes.ts'
import type { GroupHistory } from './history.ts'
import { keyOverlaps } from './keyOverlap.ts'
import { loadHistory } from './load.ts'
import { disagreementsOf } from './oracle.ts'
import { type Order, orderOf } from './order.ts'
import { unsound } from './soundRecords.ts'
import type { Bite } from './verdict.ts'

export interface GroupJudgement {
  readonly account: GroupAccount
  readonly order: Order
  readonly checks: readonly Check[]
}

export interface Judgement {
  readonly groups: readonly GroupJudgement[]
  /** Where the broker's own counts say something else than the ledgers. */
  readonly disagreements: readonly string[]
  /** Whether the faults hit something. */
  readonly bites: readonly Bite[]
  readonly ownEnds: readonly string[]
}

/**
 * All that the evidence says about a queue, a narrowcast or a stream. `guardMs` as in `account`.
 * @throws INTERNAL when the evidence, or what was counted in it, contradicts itself.
 */
export function judge(
  evidence: Evidence,
  run: RunTerms,
  guardMs: number,
  conditions: readonly BiteCondition[],
): Judgement {
  const { ledgers, depth, events } = evidence
  const loaded = loadHistory(evidence)
  const { history } = loaded
  const accounts = account(evidence, run.terms, guardMs, loaded)
  const violations = violationsOf(accounts, ledgers)
  if (violations.length > 0) throw unsound(violations.join('; '))
  const isOrdered = run.order !== 'none'
  const episodes = new Episodes(history.events)
  const groups = accounts.map((one, at) => {
    const order = orderOf(history, history.groups[at] as GroupHistory)
    const overlaps = isOrdered ? keyOverlaps(ledgers, one.group, loaded, episodes) : 0
    return { account: one, order, checks: checksOf(one, order, overlaps, run) }
  })
  const isDeduped = !run.terms.mayRepeat.includes('producer-retry')
  return {
    groups,
    disagreements: disagreementsOf(accounts, ledgers, depth, isDeduped),
    bites: bitesOf(conditions, loaded, evidence),
    ownEnds: events.flatMap((one) =>
      one.event === 'EXIT' ? [`${one.role} ${one.actor}, start ${one.incarnation},`] : [],
    ),
  }
}
