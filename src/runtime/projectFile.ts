import { existsSync, readFileSync, type Stats, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'
import { channelWords } from './channelWords.ts'
import type { ChannelConfig, Config } from './config.ts'

const patterns: readonly Pattern[] = ['broadcast', 'narrowcast', 'queue', 'stream']
const names = ['narrowcast.config.mts', 'narrowcast.config.mjs', 'narrowcast.config.json']

/**
 * The project file of a folder: there, or in a folder above it, up to the repository's root. It
 * may be a program, so nobody else can hand one in: the search ends below a folder that everybody
 * may write to, or that belongs to neither this user, nor root, nor the owner of `from`.
 * @throws INVALID_CONFIG for a file of another user.
 */
export function findProjectFile(
  from: string,
  userId: number | undefined = process.getuid?.(),
): string | null {
  const start = resolve(from)
  const isTrusted = trust(start, userId)
  for (let folder = start; ; folder = dirname(folder)) {
    for (const name of names) {
      const path = join(folder, name)
      const found = statOf(path)
      if (found && isTrusted(found)) return path
      if (found) throw notOurs(path, found.uid)
    }
    const above = dirname(folder)
    if (existsSync(join(folder, '.git')) || above === folder) return null
    const next = statOf(above)
    if (!next || !isTrusted(next) || isOpenToAll(next, userId)) return null
  }
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    return null // not there, or in a folder that this user may not look into
  }
}

/** Where the system knows no users, everything is trusted. */
function trust(start: string, userId: number | undefined): (found: Stats) => boolean {
  if (userId === undefined) return () => true
  const trusted = [0, userId, statOf(start)?.uid]
  return ({ uid }) => trusted.includes(uid)
}

function isOpenToAll({ mode }: Stats, userId: number | undefined): boolean {
  return userId !== undefined && (mode & 0o002) !== 0
}

function notOurs(path: string, owner: number): NarrowcastError {
  return new NarrowcastError(
    'INVALID_CONFIG',
    `project file ${path} belongs to another user (${owner}) and is not read`,
    { hint: `If you trust it: --config ${path}\nElse: --config none` },
  )
}

/**
 * Loads and checks it; `${NAME}` and `${NAME:-default}` in the URL come from `env`.
 * @throws INVALID_CONFIG, naming the file and the field; NOT_FOUND when there is no such file.
 */
export async function loadProjectFile(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Config> {
  if (!existsSync(path))
    throw new NarrowcastError('NOT_FOUND', `project file ${path}: no such file`, {
      hint: 'narrowcast config path tells which one is found; --config none ignores it',
    })
  const config = await load(path)
  checkKeys(path, config, ['url', 'channels'])
  const { url, channels } = config as Config
  if (url !== undefined && typeof url !== 'string') throw fault(path, 'url', 'a string', url)
  if (channels !== undefined && !isObject(channels)) {
    throw fault(path, 'channels', 'an object', channels)
  }
  for (const [name, channel] of Object.entries(channels ?? {})) checkChannel(path, name, channel)
  return {
    ...(url === undefined ? {} : { url: substitute(path, url, env) }),
    ...(channels === undefined ? {} : { channels }),
  }
}

async function load(path: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8'))
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
    return module.default
  } catch (cause) {
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `project file ${path} cannot be loaded: ${(cause as Error).message}`,
      { cause },
    )
  }
}

function checkChannel(path: string, name: string, channel: unknown): void {
  const field = `channels.${name}`
  if (!isObject(channel)) throw fault(path, field, 'an object', channel)
  checkKeys(path, channel, ['pattern', ...channelWords], field)
  const { pattern, attempts, ...texts } = channel as ChannelConfig
  if (pattern !== undefined && !patterns.includes(pattern)) {
    throw fault(path, `${field}.pattern`, `one of ${patterns.join(', ')}`, pattern)
  }
  if (attempts !== undefined && typeof attempts !== 'number') {
    throw fault(path, `${field}.attempts`, 'a number', attempts)
  }
  for (const [word, value] of Object.entries(texts)) {
    if (typeof value !== 'string') throw fault(path, `${field}.${word}`, 'a string', value)
  }
}

function checkKeys(path: string, value: unknown, known: readonly string[], field = ''): void {
  if (!isObject(value)) throw fault(path, field || 'default export', 'an object', value)
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue
    throw fault(path, field ? `${field}.${key}` : key, `one of ${known.join(', ')}`, 'another name')
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fault(path: string, field: string, expected: string, got: unknown): NarrowcastError {
  const shown = got === undefined ? 'nothing' : JSON.stringify(got)
  return new NarrowcastError(
    'INVALID_CONFIG',
    `project file ${path}: ${field}: expected ${expected}, got ${shown}`,
  )
}

function substitute(
  path: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  return text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g, (_, name, otherwise) => {
    const value = env[name as string] || (otherwise as string | undefined)
    if (value !== undefined) return value
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `project file ${path}: url: the environment has no ${name}`,
      { hint: `Set ${name}, or write \${${name}:-a default}.` },
    )
  })
}
