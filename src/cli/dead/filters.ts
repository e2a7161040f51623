import type { DeadEntry } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { sentBy } from '../../runtime/redrive/diedAgain.ts'
import type { Invocation } from '../invocation.ts'
import { deadFilter } from '../messages/facts.ts'
import { parseMoment } from '../messages/place.ts'
import { whyOf } from './causes.ts'
import { JobFolder } from './jobFolder.ts'

/** Flags that say which dead letters are meant, besides --id and --group. */
export const filterFlags = ['where', 'cause', 'reason', 'since', 'before', 'job'] as const

/**
 * The filter of the flags: all of them must fit.
 * @throws INVALID_ARGUMENT, INVALID_CONFIG for a wrong value; NOT_FOUND for a job that is not there
 */
export async function filterOf(invocation: Invocation): Promise<(entry: DeadEntry) => boolean> {
  const { flags, clock, folder } = invocation
  const nowMs = clock.wallMs()
  const cause = flags.text('cause')
  const reason = flags.text('reason')?.toLowerCase()
  const sinceMs = momentOf(invocation, 'since', nowMs) ?? Number.NEGATIVE_INFINITY
  const beforeMs = momentOf(invocation, 'before', nowMs) ?? Number.POSITIVE_INFINITY
  if (sinceMs >= beforeMs) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--since is not before --before')
  }
  const fitsWhere = deadFilter(flags.text('where'))
  const job = flags.text('job')
  const fitsJob = job === undefined ? () => true : await ofJob(new JobFolder(folder), job)
  return (entry) => {
    const { letter } = entry
    return (
      (cause === undefined || letter.cause === cause) &&
      (reason === undefined || whyOf(letter).toLowerCase().includes(reason)) &&
      letter.diedMs >= sinceMs &&
      letter.diedMs < beforeMs &&
      fitsJob(entry) &&
      fitsWhere(entry)
    )
  }
}

function momentOf({ flags }: Invocation, name: string, nowMs: number): number | undefined {
  const text = flags.text(name)
  return text === undefined ? undefined : parseMoment(`--${name}`, text, nowMs)
}

/** What this job has sent, and is dead again. */
async function ofJob(folder: JobFolder, id: string): Promise<(entry: DeadEntry) => boolean> {
  const { progress } = await folder.read(id)
  return sentBy((await folder.letters(id)).slice(0, progress.at))
}
