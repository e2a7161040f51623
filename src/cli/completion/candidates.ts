import { errorCodes } from '../../core/errors.ts'
import type { Invocation } from '../invocation.ts'
import { globalFlags } from '../tree/globals.ts'
import type { CommandSpec, FlagSpec } from '../tree/types.ts'
import { commands } from '../tree.ts'
import { liveNames } from './names.ts'
import { flagOf, readTyped, type Typed } from './typed.ts'

/** What the last of the words may become. Silent in every trouble: a shell must not be disturbed. */
export async function candidates(invocation: Invocation): Promise<string[]> {
  const words = invocation.args
  const last = words.at(-1)?.replace(/^""$/, '') ?? ''
  const typed = readTyped(words.slice(0, -1))
  return (await all(invocation, typed, last)).filter((one) => one.startsWith(last))
}

async function all(invocation: Invocation, typed: Typed, last: string): Promise<readonly string[]> {
  const { spec, operands, value } = typed
  if (value) return valuesOf(invocation, typed, value)
  const [flag = '', ...after] = last.split('=')
  if (last.startsWith('-') && after.length > 0) {
    const found = flagOf(spec, flag)
    const values = found ? await valuesOf(invocation, typed, found) : []
    return values.map((one) => `${flag}=${one}`)
  }
  if (last.startsWith('-')) return flagNames(spec)
  const below = operands.length === 0 ? commandNames(spec) : []
  return [...below, ...(await argumentNames(invocation, typed))]
}

async function valuesOf(
  invocation: Invocation,
  typed: Typed,
  { flags, choices }: FlagSpec,
): Promise<readonly string[]> {
  if (choices) return choices
  // A URL may be the name of a context.
  const what = /--url <|--context/.test(flags) ? '<context>' : flags
  return liveNames(what, invocation, typed)
}

function flagNames(spec: CommandSpec | null): string[] {
  const found = [...(spec?.flags ?? []), ...globalFlags]
  return [
    ...found.map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0] ?? flags),
    ...(spec ? [] : ['--version']),
    '--help',
  ]
}

function commandNames(spec: CommandSpec | null): string[] {
  const level = spec ? (spec.commands ?? []) : commands
  return level.filter((one) => !one.hidden).map((one) => one.name)
}

async function argumentNames(invocation: Invocation, typed: Typed): Promise<readonly string[]> {
  const { spec, operands } = typed
  if (spec?.name === 'help') {
    return [...commandNames(null), 'errors', ...Object.keys(errorCodes)]
  }
  const argument = spec?.args?.[operands.length]
  if (argument === '<shell>') return ['bash', 'zsh', 'fish', 'pwsh']
  return argument === undefined ? [] : liveNames(argument, invocation, typed)
}
