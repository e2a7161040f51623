import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { BiteCondition } from '../../src/lab/checker/bites.ts'
import { type GroupJudgement, judge } from '../../src/lab/checker/judge.ts'
import { type Verdict, verdictOf } from '../../src/lab/checker/verdict.ts'
import type { RunPlan } from '../../src/lab/plan.ts'
import { play } from '../../src/lab/run/play.ts'
import { ProcessStage } from '../../src/lab/run/processStage.ts'

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-lab-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Judged extends GroupJudgement {
  readonly verdict: Verdict
}

/** Plays the plan on a real broker, with `beside` at the same time, who is told the folder of the ledgers; judges it. */
export async function playOn(
  url: string,
  plan: RunPlan,
  conditions: readonly BiteCondition[],
  beside: (ledgers: string) => Promise<void> = async () => {},
): Promise<Judged> {
  const ledgers = join(await tempFolder(), 'ledgers')
  await mkdir(ledgers)
  await using stage = new ProcessStage(plan, url, ledgers)
  const [{ evidence, run, isDrained }] = await Promise.all([play(plan, stage), beside(ledgers)])
  const { groups, disagreements, bites, ownEnds } = judge(evidence, run, 250, conditions)
  const [group] = groups as [GroupJudgement]
  const { messages: planned } = plan.load
  const course = { isBarrierReached: true, isDrained, disagreements, bites, ownEnds, planned }
  const { attempted } = group.account
  return { ...group, verdict: verdictOf(group.checks, { ...course, attempted }) }
}
