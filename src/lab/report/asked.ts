import { broadcastChecks, type Check, checksOf } from '../checker/checks.ts'
import type { BroadcastJudgement, Judgement } from '../checker/judge.ts'
import { type Verdict, verdictOf } from '../checker/verdict.ts'
import type { RunTerms } from '../termsOf.ts'
import { showCount } from './amounts.ts'
import type { ReportedCheck } from './types.ts'

/** All checks of a run, by group. */
export function checksOfRun(judgement: Judgement | BroadcastJudgement): ReportedCheck[] {
  return 'groups' in judgement
    ? judgement.groups.flatMap(({ account, checks }) => ofGroup(account.group, checks))
    : ofGroup(null, judgement.checks)
}

/**
 * The same checks, where at least once was asked for: nothing that was accepted may be lost, but
 * for what the user let expire. All else is held against the contract as ever.
 */
export function checksAsked(
  judgement: Judgement | BroadcastJudgement,
  run: RunTerms,
): ReportedCheck[] {
  const mayLose = run.terms.mayLose.filter((cause) => cause === 'retention')
  const strict: RunTerms = { ...run, unknown: [], terms: { ...run.terms, mayLose } }
  if ('groups' in judgement) {
    return judgement.groups.flatMap(({ account, order, checks }) =>
      ofGroup(account.group, replaced(checks, checksOf(account, order, 0, strict), /^lost$/)),
    )
  }
  const { account, checks } = judgement
  const unheard: Check = {
    id: 'unheard',
    promise: 'somebody hears every acknowledged message',
    observed:
      account.unheard.total === 0 ? 'all heard' : `${showCount(account.unheard.total)} unheard`,
    status: account.unheard.total === 0 ? 'held' : 'violated',
  }
  return ofGroup(null, [...replaced(checks, broadcastChecks(account, strict), /^missed-/), unheard])
}

/** What was asked for is more than the contract: if that was not kept, what was asked was not. */
export function verdictAsked(checks: readonly Check[], ofContract: Verdict): Verdict {
  const asked = verdictOf(checks, untroubled)
  return asked.status === 'BROKEN' ? asked : ofContract
}

/** Whatever else went wrong is in the verdict of the contract. */
const untroubled = {
  isBarrierReached: true,
  isDrained: true,
  planned: 1,
  attempted: 1,
  disagreements: [],
  bites: [],
  unhit: [],
  ownEnds: [],
} as const

function ofGroup(group: string | null, checks: readonly Check[]): ReportedCheck[] {
  return checks.map((check) => ({ ...check, group }))
}

function replaced(checks: readonly Check[], others: readonly Check[], ids: RegExp): Check[] {
  return checks.map((check) =>
    ids.test(check.id) ? (others.find(({ id }) => id === check.id) ?? check) : check,
  )
}
