import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { runIds } from '../../lab/runFolder/runs.ts'
import { scenarios } from '../../lab/scenarios/index.ts'
import type { Scenario } from '../../lab/scenarios/scenario.ts'
import { textOf } from '../../runtime/thrown.ts'
import type { Invocation, Run } from '../invocation.ts'
import type { Column } from '../output/table.ts'
import { lsFaults } from './faults.ts'
import { type FoundRun, reportIn } from './readRun.ts'
import { runsIn } from './runsIn.ts'

/** `lab ls`: the scenarios; --runs: what has been run here. */
export const ls: Run = async (invocation) => {
  const { flags } = invocation
  if (flags.isSet('runs') && flags.isSet('faults')) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--runs and --faults exclude each other')
  }
  if (flags.isSet('runs')) return await lsRuns(invocation)
  if (flags.isSet('faults')) return await lsFaults(invocation)
  await invocation.output.list({
    type: 'lab.ls',
    columns: scenarioColumns,
    rows: scenarios,
  })
  invocation.output.next(`narrowcast lab run ${scenarios[0]?.name} --on file`)
}

const scenarioColumns: readonly Column<Scenario>[] = [
  { name: 'scenario', value: ({ name }) => name },
  {
    ...{ name: 'faults', goes: 1 },
    value: ({ faults }) => faults.map(({ kind }) => kind),
    text: ({ faults }) => [...new Set(faults.map(({ kind }) => kind))].join(', ') || 'none',
  },
  { name: 'title', value: ({ title }) => title, wraps: true, widthMin: 20 },
  { name: 'teaches', value: ({ teaches }) => teaches, onlyWide: true },
]

async function lsRuns({ folder, output }: Invocation): Promise<void> {
  const runs = runsIn(folder)
  const found: ListedRun[] = []
  for (const id of await runIds(runs)) {
    await reportIn({ id, folder: join(runs, id) }).then(
      (report) => found.push({ id, report, state: report ? 'finished' : 'unfinished' }),
      (error: unknown) => {
        output.warn(textOf(error))
        found.push({ id, report: null, state: 'damaged' })
      },
    )
  }
  await output.list({
    type: 'lab.runs',
    columns: runColumns,
    rows: found,
    ifEmpty: 'no runs here yet: narrowcast lab run calm --on file',
  })
}

/** damaged: its report cannot be read. */
interface ListedRun extends Pick<FoundRun, 'id' | 'report'> {
  readonly state: 'finished' | 'unfinished' | 'damaged'
}

const runColumns: readonly Column<ListedRun>[] = [
  {
    ...{ name: 'verdict', value: ({ report }) => report?.verdict.status ?? null },
    text: ({ report, state }) => report?.verdict.status ?? state,
  },
  { name: 'run', value: ({ id }) => id, wraps: true, widthMin: 20 },
  { name: 'state', value: ({ state }) => state, onlyWide: true },
  { name: 'scenario', value: ({ report }) => report?.spec.scenario ?? null, onlyWide: true },
  { name: 'backend', value: ({ report }) => report?.spec.backend ?? null, onlyWide: true },
  { name: 'pattern', value: ({ report }) => report?.spec.pattern ?? null, onlyWide: true },
  { name: 'profile', value: ({ report }) => report?.spec.profile ?? null, onlyWide: true },
  { name: 'seed', value: ({ report }) => report?.seed ?? null, onlyWide: true },
  { name: 'started_at', value: ({ report }) => report?.startedAt ?? null, onlyWide: true },
]
