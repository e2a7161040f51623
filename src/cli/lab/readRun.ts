import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { readReport } from '../../lab/report/json.ts'
import type { Report } from '../../lab/report/types.ts'
import { reportFile } from '../../lab/runFolder/keepRun.ts'
import { findRun } from '../../lab/runFolder/runs.ts'
import { errnoOf } from '../../pipelines/disk.ts'
import type { Invocation } from '../invocation.ts'
import { runsIn } from './runsIn.ts'

/** Where a run lies. */
export interface RunPlace {
  readonly id: string
  readonly folder: string
}

export interface FoundRun extends RunPlace {
  /** Null: it goes on, or it broke off. */
  readonly report: Report | null
}

/** The run that the first argument names. @throws NOT_FOUND with those there are */
export async function placeAsked({ args, folder }: Invocation): Promise<RunPlace> {
  const runs = runsIn(folder)
  const id = await findRun(runs, args[0] as string)
  return { id, folder: join(runs, id) }
}

/** The same, with what is reported of it. @throws NOT_FOUND, INVALID_ARGUMENT */
export async function runAsked(invocation: Invocation): Promise<FoundRun> {
  const place = await placeAsked(invocation)
  return { ...place, report: await reportIn(place) }
}

/** @throws INVALID_ARGUMENT where it is damaged. */
export async function reportIn({ folder }: RunPlace): Promise<Report | null> {
  const path = join(folder, reportFile)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return null
    const why = `lab: ${path} cannot be read: ${(cause as Error).message}`
    throw new NarrowcastError('INVALID_ARGUMENT', why, { operation: 'read a lab report', cause })
  })
  return text === null ? null : readReport(text, path)
}

/** @throws NOT_FOUND for a run that did not come to its end. */
export function reportOfRun({ id, report }: FoundRun): Report {
  if (report !== null) return report
  throw new NarrowcastError('NOT_FOUND', `run ${id} has no report: it goes on, or it broke off`, {
    hint: 'narrowcast lab verify says what its ledgers hold',
  })
}
