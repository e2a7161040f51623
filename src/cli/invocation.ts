import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { checkName } from '../core/channel.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import { parseDurationMs } from '../core/url.ts'
import { type Flags, isTrue, makeFlags } from './flags.ts'
import type { Interrupts } from './interrupts.ts'
import { withBackend } from './nextStep.ts'
import { checkFormat, type Format } from './output/format.ts'
import { makeOutput, type Output } from './output/output.ts'
import { makeLook } from './output/style.ts'
import { widthOf } from './output/width.ts'
import type { CommandSpec } from './tree/types.ts'

type Env = Readonly<Record<string, string | undefined>>

/** One command line, read and checked, and the world that it runs in. */
export interface Invocation {
  /** Full name: `dead redrive`. */
  readonly command: string
  readonly args: readonly string[]
  readonly flags: Flags
  readonly output: Output
  readonly env: Env
  readonly folder: string
  readonly clock: Clock
  readonly interrupts: Interrupts
  /** stdin is a terminal and questions are allowed. */
  readonly canAsk: boolean
  /** stderr may show a live region. */
  readonly live: boolean
  readonly dryRun: boolean
  readonly timeoutMs: number
}

/** A command's body. What it returns is the exit code, nothing is 0. */
export type Run = (invocation: Invocation) => Promise<number | undefined | void>

export interface World {
  readonly program: NodeJS.Process
  readonly interrupts: Interrupts
}

/** @throws INVALID_CONFIG for a global flag or variable with a wrong value. */
export function makeInvocation(
  command: string,
  streams: boolean,
  args: readonly string[],
  values: Readonly<Record<string, unknown>>,
  { program, interrupts }: World,
): Invocation {
  const flags = makeFlags(values)
  const { env, stdin, stdout, stderr } = program
  // The parser gives `--no-x` as `x: false`.
  const isOff = (name: string) => values[name] === false
  const wish = { noColor: isOff('color'), ascii: flags.isSet('ascii'), env }
  const stderrIsTerminal = stderr.isTTY === true
  const isCi = isTrue(env.CI)
  return {
    command,
    args,
    flags,
    env,
    folder: program.cwd(),
    clock: systemClock,
    interrupts,
    canAsk: stdin.isTTY === true && stderrIsTerminal && !isOff('input') && !isCi,
    live:
      stderrIsTerminal &&
      !isCi &&
      env.TERM !== 'dumb' &&
      !isOff('live') &&
      !isTrue(env.NARROWCAST_NO_LIVE) &&
      !flags.isSet('quiet'),
    dryRun: flags.isSet('dry-run'),
    timeoutMs: timeoutOf(flags, env),
    output: makeOutput({
      backend: (text) => withBackend(text, values),
      format: formatOf(flags, env, streams),
      quiet: flags.isSet('quiet'),
      verbose: flags.isSet('verbose'),
      width: widthOf(flags.text('width'), stdout) ?? Number.POSITIVE_INFINITY,
      utc: flags.isSet('utc'),
      stdout,
      stderr,
      look: makeLook({ ...wish, isTerminal: stdout.isTTY === true }),
      lookOfStderr: makeLook({ ...wish, isTerminal: stderrIsTerminal }),
      stderrIsTerminal,
    }),
  }
}

/** Names that are wrong on every backend are told before one is opened. @throws INVALID_ARGUMENT */
export function checkNames(spec: CommandSpec, args: readonly string[]): void {
  for (const [at, argument] of (spec.args ?? []).entries()) {
    if (argument === '<channel>') checkName('channel', args[at] ?? '')
    if (argument === '<group>') checkName('group', args[at] ?? '')
  }
}

/** Variables that are set already win. @throws INVALID_CONFIG where the file cannot be read. */
export function loadEnvFile(file: string): void {
  const path = resolve(file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new NarrowcastError(
      'INVALID_CONFIG',
      `--env-file: cannot read ${path}: ${isMissing ? 'there is no such file' : (cause as Error).message}`,
      { hint: 'A line of the file is NAME=value.', cause },
    )
  }
  for (const [name, value] of Object.entries(parseEnv(text))) process.env[name] ??= value
}

function formatOf(flags: Flags, env: Env, streams: boolean): Format {
  const asked = flags.text('output')
  const given =
    asked !== undefined
      ? checkFormat('--output', asked)
      : env.NARROWCAST_OUTPUT
        ? checkFormat('NARROWCAST_OUTPUT', env.NARROWCAST_OUTPUT)
        : 'text'
  if (flags.isSet('json') && asked !== undefined && given !== 'json' && given !== 'ndjson') {
    throw new NarrowcastError('INVALID_ARGUMENT', `--json and --output ${asked} exclude each other`)
  }
  const format = flags.isSet('json') && given !== 'ndjson' ? 'json' : given
  return format === 'json' && streams ? 'ndjson' : format
}

const timeoutMsMax = 86_400_000

function timeoutOf(flags: Flags, env: Env): number {
  const fromEnv = env.NARROWCAST_TIMEOUT
  const [name, timeoutMs] =
    flags.text('timeout') !== undefined || !fromEnv
      ? ['--timeout', flags.durationMs('timeout') ?? 10_000]
      : ['NARROWCAST_TIMEOUT', parseDurationMs('NARROWCAST_TIMEOUT', fromEnv)]
  if (timeoutMs >= 1 && timeoutMs <= timeoutMsMax) return Math.round(timeoutMs)
  throw new NarrowcastError('INVALID_CONFIG', `${name}: expected a time from 1ms to 24h`, {
    hint: `For example: ${name}=30s`,
  })
}
