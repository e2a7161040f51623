import { backends } from '../../lab/backends.ts'
import { suiteOf } from '../../lab/report/suite.ts'
import { suiteMarkdown, suiteText } from '../../lab/report/suiteText.ts'
import { scenarios } from '../../lab/scenarios/index.ts'
import type { Scenario } from '../../lab/scenarios/scenario.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countOf } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import { Ceiling } from './ceiling.ts'
import { exitOfAll, runAll, unrunOf } from './cells.ts'
import { commandOf, expectedOf, manyCommandOf } from './command.ts'
import { isStrict } from './isStrict.ts'
import { loadGiven, seedOf } from './loadFlags.ts'
import type { RunWish } from './runOne.ts'
import type { Subject } from './subject.ts'
import { familiesAsked } from './where.ts'

/** What a minute says most in. */
const quickNames = ['calm', 'worker-kill', 'all-dead-revive', 'poison']
const quickMessages = 2_000

/** `lab suite`: every scenario on every pattern of some backends, promised against measured. */
export const suite: Run = async (invocation) => {
  const { output } = invocation
  const wishes = await wishesOf(invocation)
  if (await isDryRun(invocation, `would make ${countOf(wishes.length, 'run')}`)) return 0
  const outcomes = await runAll(invocation, wishes, new Ceiling())
  const reports = outcomes.flatMap(({ report }) => report ?? [])
  const found = suiteOf(reports, unrunOf(outcomes))
  const { reports: _all, ...cells } = found
  await output.answer({
    type: 'lab.suite',
    fields: {
      ...(cells as unknown as Readonly<Record<string, Json>>),
      runs: reports.map(({ runId }) => runId),
    },
    lines: () => (outcomes.length === 0 ? ['stopped before the first verdict'] : suiteText(found)),
    markdown: () => suiteMarkdown(found, manyCommandOf(invocation)),
  })
  return exitOfAll(outcomes, isStrict(invocation))
}

async function wishesOf(invocation: Invocation): Promise<RunWish[]> {
  const { flags } = invocation
  const isQuick = flags.isSet('quick')
  const subjects = (await familiesAsked(invocation)).flatMap((subject) =>
    isQuick || subject.isChosen ? [subject] : everyPatternOf(subject),
  )
  const chosen = isQuick ? scenarios.filter(({ name }) => quickNames.includes(name)) : scenarios
  const load = { ...(isQuick && { messages: quickMessages }), ...loadGiven(flags) }
  const expected = expectedOf(flags)
  const seed = seedOf(flags)
  return subjects.flatMap((subject) =>
    chosen.map((scenario): RunWish => {
      const command = isQuick
        ? manyCommandOf(invocation)
        : commandOf(invocation, scenario.name, subject)
      const asked = isQuick ? scaled(scenario) : scenario
      return { scenario: asked, subject, seed, load, settings: {}, expected, command }
    }),
  )
}

function everyPatternOf(subject: Subject): Subject[] {
  const backend = backends.find(({ name }) => name === subject.backend)
  return (backend?.patterns ?? []).map((pattern) => ({ ...subject, pattern }))
}

/** What has to have happened a thousand times needs as many messages. */
function scaled(scenario: Scenario): Scenario {
  const bites = scenario.bites.map((bite) => {
    return { ...bite, atLeast: Math.max(1, Math.min(bite.atLeast, quickMessages / 10)) }
  })
  return { ...scenario, bites }
}
