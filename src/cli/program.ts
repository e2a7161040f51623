import { Command, CommanderError, Option } from 'commander'
import { NarrowcastError } from '../core/errors.ts'
import { globalFlags } from './tree/globals.ts'
import type { CommandSpec, FlagSpec } from './tree/types.ts'
import { findCommand, runs } from './tree.ts'

/** What a command line asks for. */
export type Parsed =
  | {
      readonly kind: 'run'
      readonly command: string
      readonly spec: CommandSpec
      readonly args: readonly string[]
      readonly values: Readonly<Record<string, unknown>>
    }
  /** `command` '' is the program itself. */
  | { readonly kind: 'help'; readonly command: string; readonly isAsked: boolean }
  | { readonly kind: 'version' }

/**
 * Reads a command line against the tree.
 * @throws INVALID_ARGUMENT with a suggestion for unknown words.
 */
export async function parseCommandLine(
  words: readonly string[],
  commands: readonly CommandSpec[],
): Promise<Parsed> {
  let parsed: Parsed | null = null
  let helpOf = ''
  const silent = { writeOut: () => {}, writeErr: () => {}, outputError: () => {} }
  const program = new Command('narrowcast')
    .exitOverride()
    .configureOutput(silent)
    .helpCommand(false)
    .helpOption('-h, --help')
    .showSuggestionAfterError(true)
  const onHelp = (name: string) => ({
    formatHelp: () => {
      helpOf = name
      return ''
    },
  })
  program.configureHelp(onHelp(''))
  program.addOption(new Option('-V, --version'))
  program.addOption(new Option('--help-all').hideHelp())
  for (const flag of globalFlags) program.addOption(asOption(flag))
  const add = (parent: Command, spec: CommandSpec, above: string) => {
    const name = above === '' ? spec.name : `${above} ${spec.name}`
    const command = parent.command(spec.name, { hidden: spec.hidden ?? false }).helpCommand(false)
    command.configureHelp(onHelp(name))
    if (spec.alias) command.alias(spec.alias)
    for (const argument of spec.args ?? []) command.argument(argument)
    for (const flag of spec.flags ?? []) command.addOption(asOption(flag))
    for (const child of spec.commands ?? []) add(command, child, name)
    if (!runs(spec)) return
    command.action((...given: unknown[]) => {
      const args = given
        .slice(0, -2)
        .flat()
        .filter((one) => typeof one === 'string')
      parsed = { kind: 'run', command: name, spec, args, values: command.optsWithGlobals() }
    })
  }
  for (const spec of commands) add(program, spec, '')
  const end = words.indexOf('--')
  const before = end === -1 ? words : words.slice(0, end)
  if (before.includes('-V') || before.includes('--version')) return { kind: 'version' }
  const isAsked = before.some((word) => ['-h', '--help', '--help-all'].includes(word))
  try {
    const plain = words.map((word, at) =>
      word === '--help-all' && at < before.length ? '--help' : word,
    )
    await program.parseAsync(plain, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code.startsWith('commander.help')) return { kind: 'help', command: helpOf, isAsked }
    throw usageError(error, before)
  }
  if (parsed) return parsed
  return { kind: 'help', command: helpOf, isAsked }
}

function asOption(flag: FlagSpec): Option {
  const option = new Option(flag.flags, flag.text)
  if (flag.choices) option.choices([...flag.choices])
  if (flag.repeats) {
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value])
  }
  return option
}

/** The parser's own words, in our form: one line, the suggestion or the right help as the hint. */
function usageError(error: CommanderError, words: readonly string[]): NarrowcastError {
  const [first = '', suggestion] = error.message.replace(/^error: /, '').split('\n')
  return new NarrowcastError('INVALID_ARGUMENT', first, {
    hint: suggestion ? suggestion.replace(/^\(|\)$/g, '') : helpFor(words),
  })
}

/** The help of the command that the words begin with, as far as they name one. */
function helpFor(words: readonly string[]): string {
  const name: string[] = []
  for (const word of words) {
    const spec = findCommand([...name, word])
    if (spec) name.push(spec.name)
    else if (name.length > 0) break
  }
  const spec = findCommand(name)
  if (!spec) return 'narrowcast --help lists all commands, --help-all all flags'
  const what = runs(spec) ? 'says what it takes' : 'lists its commands'
  return `narrowcast ${name.join(' ')} --help ${what}`
}
