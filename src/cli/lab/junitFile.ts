import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import { junitOf } from '../../lab/report/junit.ts'
import type { Report } from '../../lab/report/types.ts'

/**
 * Before a run that would be for nothing. It leaves no file: a run that is broken off has none.
 * @throws INVALID_CONFIG where it cannot be written.
 */
export function checkJunit(path: string): void {
  try {
    if (!existsSync(path)) accessSync(`${dirname(path)}/.`, constants.W_OK | constants.X_OK)
    else if (statSync(path).isDirectory()) throw new Error('it is a folder')
    else accessSync(path, constants.W_OK)
  } catch (cause) {
    throw notWritten(path, cause)
  }
}

/** @throws INVALID_CONFIG */
export async function writeJunit(path: string, reports: readonly Report[]): Promise<void> {
  try {
    await writeFile(path, junitOf(reports))
  } catch (cause) {
    throw notWritten(path, cause)
  }
}

function notWritten(path: string, cause: unknown): NarrowcastError {
  const text = `--junit: cannot write ${path}: ${(cause as Error).message}`
  return new NarrowcastError('INVALID_CONFIG', text, {
    hint: 'Expected a file in a folder that is there, for example --junit checks.xml',
    cause,
  })
}
