import { existsSync } from 'node:fs'
import { NarrowcastError } from '../../core/errors.ts'
import type { Flags } from '../flags.ts'
import { type Context, hasContext, readContext } from './contextFile.ts'
import { type Env, isContextName, noContext, selectionPath } from './folder.ts'
import { readJson, writePrivate } from './privateFile.ts'

/** The context in use, and what chose it. */
export interface Selected {
  readonly name: string
  readonly context: Context
  readonly from: '--context' | '--url' | 'NARROWCAST_CONTEXT' | 'NARROWCAST_URL' | 'context use'
}

/** `context prod (--context)`: as the origin of a setting. */
export function originOf({ name, from }: Selected): string {
  return `context ${name} (${from})`
}

/** What `context use` remembers; `before` is what `context use -` goes back to. */
export interface Selection {
  readonly current: string | null
  readonly before: string | null
}

/** @throws INVALID_CONFIG for a damaged file. */
export function readSelection(env: Env): Selection {
  const path = selectionPath(env)
  if (!existsSync(path)) return { current: null, before: null }
  const { current, before } = (readJson(path) ?? {}) as Record<string, unknown>
  const nameOf = (value: unknown) =>
    typeof value === 'string' && isContextName(value) ? value : null
  return { current: nameOf(current), before: nameOf(before) }
}

export function writeSelection(env: Env, selection: Selection): void {
  writePrivate(selectionPath(env), selection)
}

/**
 * The context of a command line: a flag, else a variable, else what `context use` chose. A URL
 * that is given beside it replaces the context's URL alone: the rest of it stays in force.
 * @throws NOT_FOUND for a name that there is no context of, INVALID_CONFIG for a damaged one,
 * INVALID_ARGUMENT where --context and --url, or their variables, name two.
 */
export function selectedContext(flags: Flags, env: Env): Selected | null {
  const places = {
    '--context': flags.text('context'),
    '--url': contextOfUrl(flags.text('url'), env) ?? undefined,
    NARROWCAST_CONTEXT: env.NARROWCAST_CONTEXT || undefined,
    NARROWCAST_URL: contextOfUrl(env.NARROWCAST_URL, env) ?? undefined,
  }
  refuseTwo('--context', places['--context'], '--url', places['--url'])
  const { NARROWCAST_CONTEXT: variable, NARROWCAST_URL: ofUrl } = places
  refuseTwo('NARROWCAST_CONTEXT', variable, 'NARROWCAST_URL', ofUrl)
  for (const from of Object.keys(places) as (keyof typeof places)[]) {
    const name = places[from]
    if (name === noContext) return null
    if (name !== undefined) return { name, from, context: readContext(env, name) }
  }
  const { current } = readSelection(env)
  if (current === null) return null
  if (hasContext(env, current)) {
    return { name: current, from: 'context use', context: readContext(env, current) }
  }
  throw new NarrowcastError('NOT_FOUND', `the context in use, ${current}, is gone`, {
    hint: `Use another one: narrowcast context ls\nUse none: narrowcast context use ${noContext}`,
  })
}

function refuseTwo(a: string, one?: string, b?: string, other?: string): void {
  if (one === undefined || other === undefined || one === other) return
  throw new NarrowcastError('INVALID_ARGUMENT', `${a} ${one} and ${b} ${other} name two contexts`)
}

/** The context that stands where a URL is expected; null for a URL. */
export function contextOfUrl(text: string | undefined, env: Env): string | null {
  return text !== undefined && isContextName(text) && hasContext(env, text) ? text : null
}
