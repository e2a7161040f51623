import type { BroadcastJudgement, Judgement } from '../checker/judge.ts'
import { type Course, type Verdict, verdictOf } from '../checker/verdict.ts'

/** The verdict on a run of which so many messages were `planned`, by what its ledgers came to. */
export function verdictOn(
  judgement: Judgement | BroadcastJudgement,
  course: Pick<Course, 'planned' | 'isBarrierReached' | 'isDrained' | 'unhit'>,
): Verdict {
  const { bites, ownEnds } = judgement
  const isGrouped = 'groups' in judgement
  const checks = isGrouped ? judgement.groups.flatMap((one) => one.checks) : judgement.checks
  const disagreements = isGrouped ? judgement.disagreements : []
  const attempted = attemptedIn(judgement)
  return verdictOf(checks, { ...course, bites, ownEnds, disagreements, attempted })
}

export function attemptedIn(judgement: Judgement | BroadcastJudgement): number {
  return 'groups' in judgement
    ? Math.min(...judgement.groups.map(({ account }) => account.attempted))
    : judgement.account.attempted
}
