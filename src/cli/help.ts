import { exits, exitsOf, printsOf } from './exits.ts'
import { padEnd } from './output/displayWidth.ts'
import type { Paint } from './output/style.ts'
import { wrap, wrapCommand } from './output/wrap.ts'
import { globalFlags } from './tree/globals.ts'
import type { CommandSpec, FlagSpec } from './tree/types.ts'
import { commands, findCommand, runs } from './tree.ts'

export interface HelpLook {
  /** All global flags, not only the common ones. */
  readonly all: boolean
  readonly columns: number
  readonly paint: Paint
}

/** Help of the program (name '') or of one command: examples first, then flags. */
export function helpText(name: string, look: HelpLook): string {
  const spec = name === '' ? null : findCommand(name.split(' '))
  const lines = spec ? commandHelp(name, spec, look) : programHelp(look)
  return `${lines.join('\n')}\n`
}

/** `publish|pub CHANNEL [DATA]`. */
export function usage(name: string, spec: CommandSpec): string {
  const args = (spec.args ?? []).map((arg) =>
    arg.startsWith('<') ? arg.slice(1, -1).toUpperCase() : arg.toUpperCase(),
  )
  return [name, ...args].join(' ')
}

function programHelp(look: HelpLook): string[] {
  const shown = commands.filter((spec) => !spec.hidden)
  const rows = shown.map((spec): [string, string] => {
    const children = (spec.commands ?? []).map((child) => child.name).join('|')
    const left = runs(spec) ? usage(spec.name, spec) : `${spec.name} ${children}`
    return [left, spec.summary]
  })
  return [
    ...wrap(
      'narrowcast: each message to the right number of workers, on the broker you run.',
      look.columns,
    ),
    '',
    ...heading('Try it', look),
    '  narrowcast demo',
    `  narrowcast publish hello '{"n":1}'`,
    '  narrowcast work hello --exec cat',
    '',
    ...heading('Commands', look),
    ...twoColumns(rows, look),
    '',
    ...flagHelp(look),
    '',
    ...wrap('narrowcast help COMMAND, help errors and help CODE explain more.', look.columns),
    ...wrap('Without --url, everything happens in file:./.narrowcast/store.', look.columns),
  ]
}

function commandHelp(name: string, spec: CommandSpec, look: HelpLook): string[] {
  const children = (spec.commands ?? []).filter((child) => !child.hidden)
  const flags = spec.flags ?? []
  return [
    `narrowcast ${runs(spec) ? usage(name, spec) : `${name} COMMAND`}`,
    ...indented(
      `${spec.summary}${spec.alias ? ` (short: ${spec.alias})` : ''}`,
      look.columns,
      '  ',
    ),
    '',
    ...heading('Examples', look),
    ...spec.examples.flatMap((example) => exampleLines(example, look)),
    ...(children.length > 0
      ? [
          '',
          ...heading('Commands', look),
          ...twoColumns(
            children.map((child) => [usage(`${name} ${child.name}`, child), child.summary]),
            look,
          ),
        ]
      : []),
    ...(flags.length > 0
      ? ['', ...heading('Flags', look), ...twoColumns(flags.map(flagRow), look)]
      : []),
    ...(spec.notes ? ['', ...spec.notes.flatMap((note) => wrap(note, look.columns))] : []),
    '',
    ...flagHelp(look),
    ...(look.all && runs(spec) ? [...exitHelp(spec, look), ...jsonHelp(name, spec, look)] : []),
  ]
}

/** How the command may end. */
function exitHelp(spec: CommandSpec, look: HelpLook): string[] {
  const own = exitsOf(spec)
  const rows = exits.filter(([exit]) => own.includes(exit))
  return [
    '',
    ...heading('Exit codes', look),
    ...twoColumns(
      rows.map(([exit, meaning]) => [String(exit).padStart(3), meaning]),
      look,
    ),
  ]
}

/** What `--json` prints. */
function jsonHelp(name: string, spec: CommandSpec, look: HelpLook): string[] {
  const types = printsOf(name, spec)
  if (types.length === 0) return []
  return [
    '',
    ...heading(spec.streams ? 'JSON, an object per line' : 'JSON', look),
    ...indented(`types: ${types.join(', ')}`, look.columns, '  '),
    ...indented('narrowcast help --schema TYPE', look.columns, '  '),
  ]
}

function flagHelp(look: HelpLook): string[] {
  const shown = globalFlags.filter((flag) => look.all || flag.isCommon)
  return [
    ...heading('Global flags', look),
    ...twoColumns(
      [
        ...shown.map(flagRow),
        look.all ? ['-V, --version', 'print the version'] : ['--help-all', 'all global flags'],
      ],
      look,
    ),
  ]
}

function flagRow(flag: FlagSpec): [string, string] {
  const values = flag.choices ? ` (${flag.choices.join(', ')})` : ''
  const text =
    flag.text.includes(', ') && flag.choices?.length === 7 ? flag.text : flag.text + values
  return [flag.flags, flag.env ? `${text} [${flag.env}]` : text]
}

function heading(text: string, look: HelpLook): string[] {
  return [look.paint('bold', `${text}:`)]
}

/** Fewer columns have no room for two of them. */
const twoColumnsMin = 70

/**
 * Left column as wide as it needs, at most 34; the right one wrapped to the width. In a narrow
 * window the texts stand below the names.
 */
function twoColumns(rows: readonly (readonly [string, string])[], { columns }: HelpLook): string[] {
  if (columns < twoColumnsMin) {
    return rows.flatMap(([name, text]) => [
      ...indented(name, columns, '  '),
      ...indented(text, columns, '      '),
    ])
  }
  const left = Math.min(34, Math.max(...rows.map(([text]) => text.length)))
  const room = columns - left - 4
  return rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrap(text, room)
    const indent = ' '.repeat(left + 4)
    if (name.length > left) return [`  ${name}`, ...[first, ...rest].map((one) => indent + one)]
    return [`  ${padEnd(name, left)}  ${first}`, ...rest.map((one) => indent + one)]
  })
}

function indented(text: string, columns: number, indent: string): string[] {
  return wrap(text, columns - indent.length).map((line) => indent + line)
}

function exampleLines(example: string, { columns }: HelpLook): string[] {
  return wrapCommand(example, columns - 2, '    ').map((line) => `  ${line}`)
}
