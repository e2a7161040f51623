import { compareOf } from '../../lab/report/compare.ts'
import { compareText } from '../../lab/report/compareText.ts'
import { type TwinComparison, twinsOf, twinText } from '../../lab/report/compareTwin.ts'
import type { Unrun } from '../../lab/report/suite.ts'
import type { Report } from '../../lab/report/types.ts'
import { turns } from '../../lab/statistics/turns.ts'
import { twinFor } from '../../lab/twin/twins.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countOf } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import { Ceiling } from './ceiling.ts'
import { exitOfAll, runAll, unrunOf } from './cells.ts'
import { commandOf, expectedOf } from './command.ts'
import { isStrict } from './isStrict.ts'
import { loadGiven, seedOf } from './loadFlags.ts'
import { scenarioNamed } from './runFlags.ts'
import type { RunWish } from './runOne.ts'
import { subjectsAsked } from './where.ts'

const repeatsDefault = 3
const repeatsRigorous = 6

/** `lab compare SCENARIO… --on A,B`: the same on several backends, in turn. */
export const compare: Run = async (invocation) => {
  const { output } = invocation
  const wishes = await wishesOf(invocation)
  if (await isDryRun(invocation, `would make ${countOf(wishes.length, 'run')}`)) return 0
  // Enough runs for a finding: whether the machine stayed the same is a part of it.
  const ceiling = new Ceiling(repeatsOf(invocation) >= repeatsRigorous)
  const outcomes = await runAll(invocation, wishes, ceiling)
  const reports = outcomes.flatMap(({ report }) => report ?? [])
  const twins = outcomes.flatMap(({ twin }) => twin ?? [])
  await show(invocation, reports, unrunOf(outcomes), twinsOf(reports, twins))
  if (reports.length > 0) output.next('narrowcast lab ls --runs')
  return exitOfAll(outcomes, isStrict(invocation))
}

/** Every backend has its turn before one has another, and the first of one round is the last of the next. */
async function wishesOf(invocation: Invocation): Promise<RunWish[]> {
  const { args, flags } = invocation
  const scenarios = args.map(scenarioNamed)
  const subjects = await subjectsAsked(invocation)
  const repeats = repeatsOf(invocation)
  const load = loadGiven(flags)
  const expected = expectedOf(flags)
  const seed = seedOf(flags)
  const isTwinned = flags.isSet('twin')
  if (isTwinned) {
    for (const scenario of scenarios) for (const subject of subjects) twinFor(scenario, subject)
  }
  return scenarios.flatMap((scenario) =>
    turns(subjects, repeats, seed).flatMap((subject, at): RunWish[] => {
      const command = commandOf(invocation, scenario.name, subject)
      const wish = { scenario, subject, seed, load, settings: {}, expected, command }
      if (!isTwinned) return [wish]
      const pair = [wish, { ...wish, isTwin: true }]
      return Math.floor(at / subjects.length) % 2 === 0 ? pair : pair.toReversed()
    }),
  )
}

function repeatsOf({ flags }: Invocation): number {
  const given = flags.whole('repeats', { min: 1, max: 1_000 })
  return given ?? (flags.isSet('rigorous') ? repeatsRigorous : repeatsDefault)
}

async function show(
  { output }: Invocation,
  reports: readonly Report[],
  unrun: readonly Unrun[],
  twins: readonly TwinComparison[],
): Promise<void> {
  const comparison = compareOf(reports)
  await output.answer({
    type: 'lab.compare',
    fields: {
      ...(comparison as unknown as Readonly<Record<string, Json>>),
      twins: twins as unknown as Json,
      unrun: unrun.map((one) => ({ ...one })),
      runs: reports.map(({ runId }) => runId),
    },
    lines: () =>
      unrun.map(({ scenario, subject, status, reason }) => {
        return `${status}  ${scenario} on ${subject}: ${reason}`
      }),
    data: () => [...(reports.length === 0 ? [] : compareText(comparison)), ...twinText(twins)],
  })
}
