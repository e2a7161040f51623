import { resolve } from 'node:path'
import type { Report } from '../../lab/report/types.ts'
import type { NetworkKind } from '../../lab/run/proxiedNetwork.ts'
import { loadOf } from '../../lab/scenarios/planned.ts'
import { isDryRun } from '../consent.ts'
import { shownPath } from '../demo/place.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countOf } from '../output/quantities.ts'
import { Ceiling } from './ceiling.ts'
import { commandOf, expectedOf } from './command.ts'
import { checkJunit, writeJunit } from './junitFile.ts'
import { loadGiven, seedOf } from './loadFlags.ts'
import { exitOf, showReport, worst } from './reportAnswer.ts'
import { scenarioAsked, withEpisodes } from './runFlags.ts'
import { type RunWish, runOne } from './runOne.ts'
import { subjectAsked } from './where.ts'

/** `lab run SCENARIO`: the exit code is the verdict, the worst one of several runs. */
export const run: Run = async (invocation) => {
  const { flags, output, interrupts } = invocation
  const wish = await wishOf(invocation)
  const repeats = flags.whole('repeats', { min: 1, max: 1_000 }) ?? 1
  const junit = junitAsked(invocation)
  if (junit !== null) checkJunit(junit)
  const { scenario, subject, load, seed } = wish
  const messages = countOf(loadOf(scenario, subject.pattern, load).messages, 'message')
  const where = `${subject.backend} ${subject.pattern}`
  const times = repeats === 1 ? '' : `, ${repeats} times`
  const what = `${scenario.name} on ${where} with ${messages}, seed ${seed}${times}`
  if (await isDryRun(invocation, `would run ${what}`)) return 0
  const signal = interrupts.claim()
  const ceiling = new Ceiling()
  const reports: Report[] = []
  for (let turn = 0; turn < repeats && !signal.aborted; turn++) {
    const { report, folder } = await runOne(invocation, wish, ceiling, signal)
    await showReport(output, report)
    output.note(`Saved       ${shownPath(folder)}/`)
    output.next('narrowcast lab open last')
    reports.push(report)
  }
  if (junit !== null) await writeJunit(junit, reports)
  if (reports.length > 1) output.note(summary(reports))
  return worst(reports.map(exitOf))
}

function junitAsked({ flags, folder }: Invocation): string | null {
  const file = flags.text('junit')
  return file === undefined ? null : resolve(folder, file)
}

async function wishOf(invocation: Invocation): Promise<RunWish> {
  const { flags, args } = invocation
  const asked = scenarioAsked(invocation)
  const episodes = flags.whole('episodes', { min: 1, max: 1_000 })
  const scenario = episodes === undefined ? asked : withEpisodes(asked, episodes)
  const subject = await subjectAsked(invocation)
  const expected = expectedOf(flags)
  const load = loadGiven(flags)
  const seed = seedOf(flags)
  return {
    scenario,
    subject,
    seed,
    load,
    settings: {},
    net: flags.text('net') as NetworkKind | undefined,
    expected,
    command: commandOf(invocation, args[0] ?? null, subject),
  }
}

/** `5 runs: 4 KEPT, 1 BROKEN` */
function summary(reports: readonly Report[]): string {
  const counts = new Map<string, number>()
  for (const { verdict } of reports) {
    counts.set(verdict.status, (counts.get(verdict.status) ?? 0) + 1)
  }
  const parts = [...counts].map(([status, count]) => `${count} ${status}`)
  return `${countOf(reports.length, 'run')}: ${parts.join(', ')}`
}
