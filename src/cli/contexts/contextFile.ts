import { readdirSync, rmSync, statSync } from 'node:fs'
import { NarrowcastError } from '../../core/errors.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'
import { type Colour, colours } from './colours.ts'
import { checkContextName, contextPath, contextsFolder, type Env } from './folder.ts'
import { readJson, unreadable, writePrivate } from './privateFile.ts'

/** A named connection, as it lies in its file. */
export interface Context {
  readonly url: string
  /** Shown wherever a change asks for a yes. */
  readonly environment?: { readonly name: string; readonly colour?: Colour }
  /** Every change is refused. */
  readonly readOnly?: boolean
  /** Run by the shell when connecting; what it prints is the password for the URL. */
  readonly passwordCommand?: string
}

/** Names of all contexts of this user, sorted. */
export function contextNames(env: Env): string[] {
  try {
    const files = readdirSync(contextsFolder(env))
    return files.flatMap((file) => (/^[^.].*\.json$/.test(file) ? [file.slice(0, -5)] : [])).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(contextsFolder(env), error as Error)
  }
}

/**
 * @throws NOT_FOUND with a near name; INVALID_CONFIG for a file that others may read, that is
 * damaged, or that holds a word we do not know.
 */
export function readContext(env: Env, name: string): Context {
  checkContextName(name)
  const path = contextPath(env, name)
  const mode = modeOf(path)
  if (mode === null) throw noContextNamed(env, name)
  // It may hold a password. Windows has no such modes.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8)
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `context ${name}: ${path} has the mode ${shown}; expected 600, for it may hold a password`,
      { hint: `chmod 600 ${path}` },
    )
  }
  return checked(path, readJson(path))
}

function noContextNamed(env: Env, name: string): NarrowcastError {
  const near = nearest(name, contextNames(env))
  return new NarrowcastError('NOT_FOUND', `there is no context ${JSON.stringify(name)}`, {
    hint: near ? `Did you mean ${near}?` : 'narrowcast context ls lists all',
  })
}

export function hasContext(env: Env, name: string): boolean {
  return modeOf(contextPath(env, name)) !== null
}

function modeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? null
}

export function writeContext(env: Env, name: string, context: Context): void {
  writePrivate(contextPath(env, name), context)
}

export function removeContext(env: Env, name: string): void {
  rmSync(contextPath(env, name))
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** Each field with its check, and what is expected. */
const fields: Readonly<Record<string, readonly [(value: unknown) => boolean, string]>> = {
  url: [isText, 'a URL'],
  environment: [isEnvironment, `{ name, colour }, the colour one of ${colours.join(', ')}`],
  readOnly: [(value) => typeof value === 'boolean', 'true or false'],
  passwordCommand: [isText, 'a command line'],
}

function isEnvironment(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { name, colour, ...others } = value as Record<string, unknown>
  const isColour = colour === undefined || colours.includes(colour as Colour)
  return isText(name) && isColour && Object.keys(others).length === 0
}

function checked(path: string, found: unknown): Context {
  const fail = (text: string, hint?: string): never => {
    throw new NarrowcastError('INVALID_CONFIG', `${path}: ${text}`, hint ? { hint } : {})
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    return fail('expected an object')
  }
  for (const [field, value] of Object.entries(found)) {
    const known = Object.hasOwn(fields, field) ? fields[field] : undefined
    if (!known) fail(`unknown field ${field}`, `Known are ${Object.keys(fields).join(', ')}`)
    else if (!known[0](value)) fail(`${field}: expected ${known[1]}`)
  }
  if (!('url' in found)) fail('it has no url')
  return found as Context
}
