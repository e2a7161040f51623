import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import type { Config } from '../../runtime/config.ts'
import { findProjectFile, loadProjectFile } from '../../runtime/projectFile.ts'
import { contextOfUrl, originOf, type Selected, selectedContext } from '../contexts/selected.ts'
import type { Invocation } from '../invocation.ts'

export const urlDefault = 'file:./.narrowcast/store'

/** A value and the place that it comes from. */
export interface Setting<T> {
  readonly value: T
  readonly origin: string
}

/** Settings that come from more than one place: flag, environment, project file, context, default. */
export interface Settings {
  readonly url: Setting<string>
  /** The context in use, also where its URL is not: the rest of it stays in force. */
  readonly context: Selected | null
  /** Null: there is none, or it is ignored. */
  readonly projectFile: Setting<string | null>
  readonly config: Config
}

/** @throws INVALID_CONFIG for a wrong project file, NOT_FOUND for a missing one. */
export async function loadSettings(invocation: Invocation): Promise<Settings> {
  const projectFile = projectFileOf(invocation)
  const config = projectFile.value ? await loadProjectFile(projectFile.value, invocation.env) : {}
  const context = selectedContext(invocation.flags, invocation.env)
  const url = urlOf(invocation, context, config, projectFile.value)
  return { url, context, projectFile, config }
}

/** The project file in use, without reading it. */
export function projectFileOf({ flags, env, folder }: Invocation): Setting<string | null> {
  const flag = flags.text('config')
  const asked = flag ?? (env.NARROWCAST_CONFIG || undefined)
  if (asked === undefined) {
    const value = findProjectFile(folder)
    return { value, origin: value ? 'found' : 'default' }
  }
  const origin = flag === undefined ? 'NARROWCAST_CONFIG' : '--config'
  return { value: asked === 'none' ? null : resolve(folder, asked), origin }
}

/** A context named by a flag or a variable ranks with them, one in use behind the project file. */
function urlOf(
  { flags, env, folder }: Invocation,
  context: Selected | null,
  config: Config,
  projectFile: string | null,
): Setting<string> {
  const flag = flags.text('url')
  const file = flags.text('url-file')
  if (flag !== undefined && file !== undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--url and --url-file exclude each other')
  }
  const ofContext = context && { value: context.context.url, origin: originOf(context) }
  const isFrom = (...places: readonly Selected['from'][]) =>
    ofContext !== null && places.includes(context?.from as Selected['from'])
  if (ofContext && isFrom('--url')) return ofContext
  if (flag !== undefined && contextOfUrl(flag, env) === null)
    return { value: flag, origin: '--url' }
  if (file !== undefined) return { value: urlOfFile(folder, file), origin: '--url-file' }
  if (ofContext && isFrom('--context')) return ofContext
  const variable = env.NARROWCAST_URL
  if (variable && contextOfUrl(variable, env) === null) {
    return { value: variable, origin: 'NARROWCAST_URL' }
  }
  if (ofContext && isFrom('NARROWCAST_CONTEXT', 'NARROWCAST_URL')) return ofContext
  if (config.url !== undefined && projectFile) return { value: config.url, origin: projectFile }
  return ofContext ?? { value: urlDefault, origin: 'default' }
}

/** What `--url-file` names. @throws INVALID_CONFIG where it cannot be read. */
export function urlOfFile(folder: string, file: string): string {
  const path = resolve(folder, file)
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `--url-file: cannot read ${path}: ${isMissing ? 'there is no such file' : (cause as Error).message}`,
      { hint: 'The file holds the URL alone, for example file:./.narrowcast/store', cause },
    )
  }
}
