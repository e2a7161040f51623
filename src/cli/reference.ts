import { errorCodes } from '../core/errors.ts'
import { exits, exitsOf, printsOf } from './exits.ts'
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
    'Each command is `ro` (changes nothing), `rw` (adds or moves) or `destructive` (may take something away for good).',
    '`narrowcast help --json` prints this page as data, `narrowcast help --schema TYPE` the JSON Schema of what has this',
    'type. Fields are only ever added.',
    '',
    ...shown.flatMap((spec) => section(spec.name, spec, 2)),
    '## Global flags',
    '',
    'Before or after the command.',
    '',
    ...flagTable(globalFlags),
    'Order of precedence: flag, variable, project file (`narrowcast.config.mts`, `.mjs` or `.json`, searched up to the',
    'root of the repository), context in use, default. `narrowcast config show --origin` says where each value comes from.',
    'A context that is named by `--context`, `--url` or a variable ranks with what names it. A URL beside it replaces its',
    'URL alone: `--protect` and the environment stay in force, and its password command is not run for another URL.',
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
          ...facts(name, spec),
          '```console',
          ...spec.examples.map((example) => `$ ${example}`),
          '```',
          '',
        ]
      : []),
    ...children.flatMap((child) => section(`${name} ${child.name}`, child, level + 1)),
  ]
}

/** What programs want to know that call it. */
function facts(name: string, spec: CommandSpec): string[] {
  const types = printsOf(name, spec).map((type) => `\`${type}\``)
  return [`\`${spec.access}\`. Exit ${exitsOf(spec).join(', ')}. JSON: ${types.join(', ')}.`, '']
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
