import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Pattern } from '../../src/core/message.ts'
import type { BiteCondition } from '../../src/lab/checker/bites.ts'
import { type GroupJudgement, type Judgement, judge } from '../../src/lab/checker/judge.ts'
import { type Verdict, verdictOf } from '../../src/lab/checker/verdict.ts'
import type { Load } from '../../src/lab/load.ts'
import type { RunPlan } from '../../src/lab/plan.ts'
import { type ExperimentResult, runExperiment } from '../../src/lab/run/experiment.ts'
import { judgedFaults, unhitKinds } from '../../src/lab/run/faultHits.ts'
import { play } from '../../src/lab/run/play.ts'
import { ProcessStage } from '../../src/lab/run/processStage.ts'
import type { NetworkKind } from '../../src/lab/run/proxiedNetwork.ts'
import { scenarios } from '../../src/lab/scenarios/index.ts'
import type { Scenario } from '../../src/lab/scenarios/scenario.ts'

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
  const [{ evidence, run, isDrained, isBarrierReached, ...rest }] = await Promise.all([
    play(plan, stage),
    beside(ledgers),
  ])
  const { groups, disagreements, bites, ownEnds } = judge(evidence, run, 250, conditions)
  const [group] = groups as [GroupJudgement]
  const { messages: planned } = plan.load
  const unhit = unhitKinds(plan.faults, judgedFaults(rest.faults, evidence.ledgers, rest.zeroNs))
  const course = { isBarrierReached, isDrained, disagreements, bites, unhit, ownEnds, planned }
  const { attempted } = group.account
  return { ...group, verdict: verdictOf(group.checks, { ...course, attempted }) }
}

/**
 * Runs a scenario, or the one of that name, on `redis-list:queue@naive`, in a folder that goes with the
 * test. `url`: of a broker that runs.
 */
export async function playScenario(
  which: string | Scenario,
  on: string,
  load: Partial<Load> = {},
  url: string | null = null,
  net: NetworkKind = 'proxy',
): Promise<ExperimentResult & { readonly folder: string }> {
  const [, backend = '', pattern, profile = 'default'] =
    /^([^:]+):(\w+)(?:@([\w-]+))?$/.exec(on) ?? []
  const scenario = typeof which === 'string' ? scenarios.find(({ name }) => name === which) : which
  if (!scenario) throw new Error(`there is no scenario ${which}`)
  const folder = await tempFolder()
  const result = await runExperiment({
    ...{ scenario, seed: 7, load, settings: {}, net, folder },
    watcher: { event: () => {}, depth: () => {}, phase: () => {} },
    subject: { backend, pattern: pattern as Pattern, profile, url },
    signal: new AbortController().signal,
  })
  return { ...result, folder }
}

/** Of a queue or a narrowcast, which have one group. */
export function accountOf({ judgement }: ExperimentResult): GroupJudgement['account'] {
  const [group] = (judgement as Judgement).groups
  if (!group) throw new Error('there is no group')
  return group.account
}
