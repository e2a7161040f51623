import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** No context: what `--context` and `context use` take to leave one out. */
export const noContext = 'none'

/** Where this user's contexts lie. A relative XDG_CONFIG_HOME counts as none, as the standard has it. */
export function contextsFolder({ XDG_CONFIG_HOME: given, HOME }: Env): string {
  const home = given && isAbsolute(given) ? given : join(HOME || homedir(), '.config')
  return join(home, 'narrowcast', 'contexts')
}

/** Which one `context use` chose last, and the one before. */
export function selectionPath(env: Env): string {
  return join(contextsFolder(env), '..', 'selected.json')
}

/** @throws INVALID_ARGUMENT for a name that could be taken for a path, a URL or a flag. */
export function checkContextName(name: string): void {
  if (isContextName(name)) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `context: ${JSON.stringify(name)} is no name for a context`,
    { hint: `Letters, digits, "-", "_" and ".", at most 64; not "${noContext}".` },
  )
}

export function isContextName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(name) && name !== noContext
}

export function contextPath(env: Env, name: string): string {
  return join(contextsFolder(env), `${name}.json`)
}
