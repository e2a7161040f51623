import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'

/**
 * Writes a file that nobody else may read, whole or not at all.
 * @throws INVALID_CONFIG where it cannot be written.
 */
export function writePrivate(path: string, content: object): void {
  const temporary = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(temporary, path)
  } catch (cause) {
    rmSync(temporary, { force: true })
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `cannot write ${path}: ${(cause as Error).message}`,
      {
        hint: 'XDG_CONFIG_HOME names another folder for settings.',
        cause,
      },
    )
  }
}

/** @throws INVALID_CONFIG, quoting nothing of the file. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw unreadable(path, cause as Error)
  }
}

export function unreadable(path: string, cause: Error): NarrowcastError {
  // The text of a JSON error quotes the file, and that may be a password.
  const why = cause instanceof SyntaxError ? 'it is no JSON' : cause.message
  return new NarrowcastError('INVALID_CONFIG', `cannot read ${path}: ${why}`)
}
