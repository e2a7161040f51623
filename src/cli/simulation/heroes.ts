import { readFileSync } from 'node:fs'
import { NarrowcastError } from '../../core/errors.ts'
import { type Hero, importHeroes } from '../../simulator/index.ts'

/** @throws INVALID_CONFIG for a file that cannot be read, or an entry that does not fit. */
export function readHeroes(path: string): readonly Hero[] {
  return importHeroes(parse(path))
}

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `heroes: cannot read ${path}: ${(cause as Error).message}`,
      { cause },
    )
  }
}
