import { errorCodes } from '../core/errors.ts'
import { usage } from './help.ts'
import { globalFlags } from './tree/globals.ts'
import type { CommandSpec, FlagSpec } from './tree/types.ts'
import { commands, runs } from './tree.ts'

/** The page docs/cli.md. */
export function cliReference(): string {
  const shown = commands.filter((spec) => !spec.hidden)
  return `${[
    '<!-- Made from src/cli/tree by `npm run generate`. -->',
    '',
    '# The command line',
    '',
    'stdout is the answer, stderr is everything else. `--json` works for every command: one object, or one per line',
    'for commands that stream, each with `"v":1` and a `"type"`. Without `--url` everything happens in',
    '`file:./.narrowcast/store`. `narrowcast COMMAND --help` prints what stands here.',
    '',
    ...shown.flatMap((spec) => section(spec.name, spec, 2)),
    '## Global flags',
    '',
    'Before or after the command.',
    '',
    ...flagTable(globalFlags),
    'Order of precedence: flag, variable, project file (`narrowcast.config.mts`, `.mjs` or `.json`, searched up to the',
    'root of the repository), default. `narrowcast config show --origin` says where each value comes from.',
    'The search ends below a folder that everybody may write to, or that belongs to a stranger (not to you, root, or',
    'the owner of the working folder). A file of a stranger is refused; `--config FILE` takes any file.',
    '',
    '## Exit codes',
    '',
    '| exit | meaning | error codes |',
    '|---|---|---|',
    ...exits.map(([exit, meaning]) => `| ${exit} | ${meaning} | ${codesOf(exit)} |`),
  ].join('\n')}\n`
}

const exits: readonly (readonly [number, string])[] = [
  [0, 'done; verdict KEPT'],
  [1, 'unexpected error, please report'],
  [2, 'bad usage or configuration'],
  [3, 'cannot connect, or login refused'],
  [4, 'channel, group, message or file not found'],
  [5, 'refused: needs consent, or read-only'],
  [6, 'the backend does not offer this'],
  [7, 'timed out'],
  [8, 'verdict BROKEN'],
  [9, 'verdict INCONCLUSIVE'],
  [130, 'ended by Ctrl-C'],
  [143, 'ended by SIGTERM'],
]

function codesOf(exit: number): string {
  const codes = Object.entries(errorCodes).filter(([, code]) => code.exit === exit)
  return codes.map(([name]) => `\`${name}\``).join(' ')
}

function section(name: string, spec: CommandSpec, level: number): string[] {
  const children = (spec.commands ?? []).filter((child) => !child.hidden)
  const alias = spec.alias ? ` Short: \`${spec.alias}\`.` : ''
  return [
    `${'#'.repeat(level)} ${name}`,
    '',
    `${sentence(spec.summary)}${alias}`,
    '',
    ...(runs(spec)
      ? [
          '```console',
          `narrowcast ${usage(name, spec)}`,
          '```',
          '',
          ...flagTable(spec.flags ?? []),
          ...(spec.notes ? [spec.notes.join('\n'), ''] : []),
          '```console',
          ...spec.examples.map((example) => `$ ${example}`),
          '```',
          '',
        ]
      : []),
    ...children.flatMap((child) => section(`${name} ${child.name}`, child, level + 1)),
  ]
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase()}${text.slice(1)}.`
}

function flagTable(flags: readonly FlagSpec[]): string[] {
  if (flags.length === 0) return []
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = flags.map(({ flags: names, text, choices, env, repeats }) => {
    const values = choices ? ` (${choices.join(', ')})` : ''
    const more = repeats ? '; may be repeated' : ''
    const variable = env ? ` \`${env}\`` : ''
    return `| \`${cell(names)}\` | ${cell(text + values + more)}${variable} |`
  })
  return ['| flag | meaning |', '|---|---|', ...rows, '']
}
