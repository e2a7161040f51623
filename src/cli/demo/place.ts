import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'

/** The folder of one run. */
export interface Place {
  readonly dir: string
  /** Why it is not the folder that was asked for; null when it is. */
  readonly instead: string | null
}

const foldersMax = 10_000

/**
 * Makes the folder of a run: `wanted`, or `wanted-2`, `wanted-3` … when it holds something
 * already. Nothing is ever deleted. Where it cannot be written, a temporary folder is taken.
 */
export function makePlace(wanted: string): Place {
  try {
    return { dir: firstFree(resolve(wanted)), instead: null }
  } catch (error) {
    if (error instanceof NarrowcastError) throw error
    const dir = mkdtempSync(join(tmpdir(), 'narrowcast-demo-'))
    const why = (error as NodeJS.ErrnoException).code ?? String(error)
    return { dir, instead: `cannot write ${wanted} (${why}); using ${dir}` }
  }
}

function firstFree(wanted: string): string {
  for (let n = 1; n <= foldersMax; n++) {
    const dir = n === 1 ? wanted : `${wanted}-${n}`
    // Undefined: it was there before.
    if (mkdirSync(dir, { recursive: true }) !== undefined || readdirSync(dir).length === 0) {
      const probe = join(dir, 'data')
      mkdirSync(probe)
      return dir
    }
  }
  throw new NarrowcastError('INVALID_ARGUMENT', `${wanted} and ${foldersMax} like it are taken`, {
    hint: 'Name another folder with --dir.',
  })
}

/** A path as people type it: relative below the working folder, else whole. */
export function shownPath(path: string, folder = process.cwd()): string {
  const short = relative(folder, path)
  return short === '' || short.startsWith('..') ? path : short
}
