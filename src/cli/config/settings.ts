import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { NarrowcastError } from '../../core/errors.ts'
import type { Config } from '../../runtime/config.ts'
import { findProjectFile, loadProjectFile } from '../../runtime/projectFile.ts'
import type { Invocation } from '../invocation.ts'

export const urlDefault = 'file:./.narrowcast/store'

/** A value and the place that it comes from. */
export interface Setting<T> {
  readonly value: T
  readonly origin: string
}

/** Settings that come from more than one place: flag, environment, project file, default. */
export interface Settings {
  readonly url: Setting<string>
  /** Null: there is none, or it is ignored. */
  readonly projectFile: Setting<string | null>
  readonly config: Config
}

/** @throws INVALID_CONFIG for a wrong project file, NOT_FOUND for a missing one. */
export async function loadSettings(invocation: Invocation): Promise<Settings> {
  const projectFile = projectFileOf(invocation)
  const config = projectFile.value ? await loadProjectFile(projectFile.value, invocation.env) : {}
  return { url: urlOf(invocation, config, projectFile.value), projectFile, config }
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

function urlOf(
  { flags, env, folder }: Invocation,
  config: Config,
  projectFile: string | null,
): Setting<string> {
  const flag = flags.text('url')
  const file = flags.text('url-file')
  if (flag !== undefined && file !== undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', '--url and --url-file exclude each other')
  }
  if (flag !== undefined) return { value: flag, origin: '--url' }
  if (file !== undefined) return { value: readUrl(resolve(folder, file)), origin: '--url-file' }
  if (env.NARROWCAST_URL) return { value: env.NARROWCAST_URL, origin: 'NARROWCAST_URL' }
  if (config.url !== undefined && projectFile) return { value: config.url, origin: projectFile }
  return { value: urlDefault, origin: 'default' }
}

function readUrl(path: string): string {
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
