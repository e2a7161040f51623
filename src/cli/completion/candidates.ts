import { errorCodes } from '../../core/errors.ts'
import { connectTo } from '../connection.ts'
import { JobFolder } from '../dead/jobFolder.ts'
import { makeFlags } from '../flags.ts'
import type { Invocation } from '../invocation.ts'
import { globalFlags } from '../tree/globals.ts'
import type { CommandSpec, FlagSpec } from '../tree/types.ts'
import { commands } from '../tree.ts'

/** Names from a backend come this fast or not at all. */
const namesWithinMs = 300

/** What the last of the words may become. Silent in every trouble: a shell must not be disturbed. */
export async function candidates(invocation: Invocation): Promise<string[]> {
  const words = invocation.args
  const last = words.at(-1)?.replace(/^""$/, '') ?? ''
  const { spec, operands, value } = walk(words.slice(0, -1))
  const found = value
    ? (value.choices ?? (value.flags.includes('<job>') ? await jobNames(invocation) : []))
    : last.startsWith('-')
      ? flagNames(spec)
      : [...commandNames(spec), ...(await argumentNames(invocation, spec, operands, words))]
  return found.filter((one) => one.startsWith(last))
}

interface Place {
  readonly spec: CommandSpec | null
  /** Arguments of the command so far. */
  readonly operands: readonly string[]
  /** The flag whose value comes next. */
  readonly value: FlagSpec | null
}

function walk(words: readonly string[]): Place {
  let spec: CommandSpec | null = null
  let operands: string[] = []
  let value: FlagSpec | null = null
  for (const word of words) {
    if (value) {
      value = null
      continue
    }
    if (word.startsWith('-')) {
      value = flagOf(spec, word)
      continue
    }
    const level: readonly CommandSpec[] = spec ? (spec.commands ?? []) : commands
    const next = level.find((one) => one.name === word || one.alias === word)
    if (next) {
      spec = next
      operands = []
    } else operands.push(word)
  }
  return { spec, operands, value }
}

/** The flag, when its value is still to come. */
function flagOf(spec: CommandSpec | null, word: string): FlagSpec | null {
  const all = [...(spec?.flags ?? []), ...globalFlags]
  const found = all.find(({ flags }) => flags.split(/[ ,]+/).includes(word))
  return found?.flags.includes('<') ? found : null
}

function flagNames(spec: CommandSpec | null): string[] {
  const all = [...(spec?.flags ?? []), ...globalFlags]
  return [
    ...all.map(({ flags }) => /--[a-z-]+/.exec(flags)?.[0] ?? flags),
    ...(spec ? [] : ['--version']),
    '--help',
  ]
}

function commandNames(spec: CommandSpec | null): string[] {
  const level = spec ? (spec.commands ?? []) : commands
  return level.filter((one) => !one.hidden).map((one) => one.name)
}

async function argumentNames(
  invocation: Invocation,
  spec: CommandSpec | null,
  operands: readonly string[],
  words: readonly string[],
): Promise<readonly string[]> {
  if (spec?.name === 'help') {
    return [...commandNames(null), 'errors', ...Object.keys(errorCodes)]
  }
  const argument = spec?.args?.[operands.length]
  if (argument === '<shell>') return ['bash', 'zsh', 'fish', 'pwsh']
  if (argument?.includes('job')) return jobNames(invocation)
  if (argument === undefined || !argument.includes('channel')) return []
  return channelNames(invocation, words)
}

/** Redrive jobs of this folder, the newest first. */
async function jobNames({ folder }: Invocation): Promise<readonly string[]> {
  const found = await new JobFolder(folder).list().catch(() => ({ jobs: [] }))
  return found.jobs.map(({ id }) => id)
}

/** Names of channels, for --url where it stands among the words. */
async function channelNames(
  invocation: Invocation,
  words: readonly string[],
): Promise<readonly string[]> {
  const url = words[words.findLastIndex((word) => word === '-u' || word === '--url') + 1]
  const isGiven = words.includes('-u') || words.includes('--url')
  const flags = makeFlags(isGiven && url !== undefined ? { url } : {})
  const look = async () => {
    await using connected = await connectTo(
      { ...invocation, flags, timeoutMs: namesWithinMs },
      { look: true },
    )
    const query = { prefix: '', cursor: null, limit: 1_000, newestFirst: false }
    return (await connected.bus.admin.channels(query)).items.map(({ name }) => name)
  }
  const limit = invocation.clock
    .sleep(namesWithinMs, new AbortController().signal)
    .then((): readonly string[] => [])
  // No backend, no names: an error text would land in the middle of somebody's command line.
  return Promise.race([look().catch((): readonly string[] => []), limit])
}
