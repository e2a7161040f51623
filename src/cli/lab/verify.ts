import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import type { Report } from '../../lab/report/types.ts'
import { ledgersName } from '../../lab/runFolder/ledgerPlace.ts'
import { type Difference, recount } from '../../lab/runFolder/recount.ts'
import { Tails, type Tally } from '../../lab/runFolder/tails.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countOf, showCount } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import { placeAsked, type RunPlace, reportIn } from './readRun.ts'
import { verifySelf } from './verifySelf.ts'

const exits = { same: 0, differs: 8, damaged: 8, unfinished: 9 } as const
type State = keyof typeof exits
const shownMax = 20

/** `lab verify RUN`: counts it again from its ledgers. */
export const verify: Run = async (invocation) => {
  const { flags, args } = invocation
  const isSelf = flags.isSet('self')
  if (isSelf === args.length > 0) {
    const text = isSelf ? '--self takes no run' : 'lab verify: no run is named'
    throw new NarrowcastError('INVALID_ARGUMENT', text, {
      hint: 'narrowcast lab verify last, or narrowcast lab verify --self',
    })
  }
  if (isSelf) return await verifySelf(invocation)
  const run = await placeAsked(invocation)
  await checkLedgers(run)
  const records = await new Tails(join(run.folder, ledgersName)).read()
  const found = await foundIn(run)
  await tell(invocation, run, records, found)
  return exits[found.state]
}

interface Found {
  readonly state: State
  readonly differences: readonly Difference[]
  /** Null: nothing is. */
  readonly damage: string | null
  /** Its report itself is: there is nothing to compare. */
  readonly isReportDamaged: boolean
}

const nothing = { differences: [], damage: null, isReportDamaged: false }

/** @throws NOT_FOUND */
async function checkLedgers({ id, folder }: RunPlace): Promise<void> {
  if (existsSync(join(folder, ledgersName))) return
  throw new NarrowcastError('NOT_FOUND', `run ${id} has no ledgers: ${folder} has lost them`, {
    hint: 'Without them nothing can be counted. A new run: narrowcast lab run',
  })
}

async function foundIn(run: RunPlace): Promise<Found> {
  const report = await reportIn(run).catch((error: unknown) => {
    if (error instanceof NarrowcastError && error.code === 'INVALID_ARGUMENT') return error
    throw error
  })
  if (report === null) return { ...nothing, state: 'unfinished' }
  if (!(report instanceof NarrowcastError)) return await counted(run.folder, report)
  return { ...nothing, state: 'damaged', damage: report.message, isReportDamaged: true }
}

/** What cannot be read, or contradicts itself, does not fit the report either. */
async function counted(folder: string, report: Report): Promise<Found> {
  try {
    const differences = await recount(folder, report)
    return { ...nothing, state: differences.length === 0 ? 'same' : 'differs', differences }
  } catch (error) {
    if (!(error instanceof NarrowcastError) || error.code !== 'INTERNAL') throw error
    return { ...nothing, state: 'damaged', damage: error.message }
  }
}

async function tell(
  { output }: Invocation,
  run: RunPlace,
  records: Tally | null,
  found: Found,
): Promise<void> {
  const { state, damage } = found
  const differences = found.differences.map(({ what, reported, counted: again }) => {
    return { what, reported: (reported ?? null) as Json, counted: (again ?? null) as Json }
  })
  const { sent = 0, ok = 0, done = 0, thrown = 0 } = records ?? {}
  await output.answer({
    type: 'lab.verify',
    fields: { run: run.id, state, damage, records: { sent, ok, done, thrown }, differences },
    lines: () => [
      `${run.id}`,
      `in its ledgers: sent ${showCount(sent)}  ok ${showCount(ok)}  done ${showCount(done)}  failed ${showCount(thrown)}`,
      ...words[state](found, run),
    ],
  })
}

const words: Readonly<Record<State, (found: Found, run: RunPlace) => readonly string[]>> = {
  same: () => ['its report says the same as its ledgers'],
  unfinished: () => ['it has no report: it goes on, or it broke off. No verdict'],
  damaged: ({ damage, isReportDamaged }, { id }) =>
    isReportDamaged
      ? [
          'its report is damaged, and says nothing to compare its ledgers with',
          `  ${damage}`,
          `  its page is another file: narrowcast lab open ${id}`,
          '  the line in its command.txt repeats the run',
        ]
      : ['its evidence is damaged, and does not fit its report', `  ${damage}`],
  differs: ({ differences: found }) => [
    `its report and its ledgers differ in ${countOf(found.length, 'figure')}`,
    ...found.slice(0, shownMax).map(({ what, reported, counted }) => {
      return `  ${what}  report ${JSON.stringify(reported)}  ledgers ${JSON.stringify(counted)}`
    }),
    ...(found.length > shownMax
      ? [`  and ${countOf(found.length - shownMax, 'more figure')}`]
      : []),
  ],
}
