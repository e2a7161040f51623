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

/** A run that lies in its folder. */
export interface FoundRun {
  readonly id: string
  readonly folder: string
  /** Null: it goes on, or it broke off. */
  readonly report: Report | null
}

/** The run that the first argument names. @throws NOT_FOUND with those there are */
export async function runAsked({ args, folder }: Invocation): Promise<FoundRun> {
  const runs = runsIn(folder)
  return await readRun(runs, await findRun(runs, args[0] as string))
}

export async function readRun(runs: string, id: string): Promise<FoundRun> {
  const folder = join(runs, id)
  const path = join(folder, reportFile)
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  })
  return { id, folder, report: text === null ? null : readReport(text, path) }
}

/** @throws NOT_FOUND for a run that did not come to its end. */
export function reportOfRun({ id, report }: FoundRun): Report {
  if (report !== null) return report
  throw new NarrowcastError('NOT_FOUND', `run ${id} has no report: it goes on, or it broke off`, {
    hint: 'narrowcast lab verify says what its ledgers hold',
  })
}
