import { readdir } from 'node:fs/promises'
import { NarrowcastError } from '../../core/errors.ts'
import { errnoOf } from '../../pipelines/disk.ts'

const shownMax = 5

/** Ids of all runs in this folder, the newest first. */
export async function runIds(runs: string): Promise<string[]> {
  const entries = await readdir(runs, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  })
  const ids = entries.filter((one) => one.isDirectory()).map(({ name }) => name)
  return ids
    .filter((id) => /^\d{4}-\d\d-\d\dT/.test(id))
    .sort()
    .reverse()
}

/** Its id, the beginning of one that no other run has, or `last`. @throws INVALID_ARGUMENT for no word, NOT_FOUND */
export async function findRun(runs: string, word: string): Promise<string> {
  if (word === '') {
    throw new NarrowcastError('INVALID_ARGUMENT', 'lab: no run is named, got ""', {
      hint: 'narrowcast lab ls --runs lists all, "last" is the newest',
    })
  }
  const ids = await runIds(runs)
  const meant = word === 'last' ? ids.slice(0, 1) : ids.filter((id) => id.startsWith(word))
  const only = ids.includes(word) ? word : meant.length === 1 ? meant[0] : undefined
  if (only !== undefined) return only
  if (ids.length === 0) {
    throw new NarrowcastError('NOT_FOUND', `there are no runs in ${runs}`, {
      hint: 'The first one: narrowcast lab run calm --on file',
    })
  }
  const several = meant.length > 1
  throw new NarrowcastError(
    'NOT_FOUND',
    several
      ? `${JSON.stringify(word)} is the beginning of ${meant.length} runs`
      : `there is no run ${JSON.stringify(word)} in ${runs}`,
    { hint: candidates(several ? meant : ids) },
  )
}

function candidates(ids: readonly string[]): string {
  const some = ids.slice(0, shownMax)
  const rest = ids.length - some.length
  return `Runs: ${some.join(' ')}${rest > 0 ? ` and ${rest} more` : ''}\nnarrowcast lab ls --runs lists all, "last" is the newest`
}
