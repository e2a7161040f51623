import { errorCodes, NarrowcastError } from '../../core/errors.ts'
import { nearest } from '../../drivers/_shared/nearest.ts'
import { exitsOf, printsOf } from '../exits.ts'
import { helpText, usage } from '../help.ts'
import type { Invocation, Run } from '../invocation.ts'
import type { Output } from '../output/output.ts'
import type { Json } from '../output/table.ts'
import { globalFlags } from '../tree/globals.ts'
import type { CommandSpec, FlagSpec } from '../tree/types.ts'
import { commands, findCommand, runnable, runs } from '../tree.ts'

/**
 * `help`, `help COMMAND`, `help errors`, `help CODE`, `help --schema [TYPE]`; with JSON and no word
 * the whole tree.
 */
export const help: Run = async (invocation) => {
  const { args, flags, output } = invocation
  if (flags.isSet('schema')) return schemas(invocation)
  const [first] = args
  if (first === undefined) return output.isJson ? wholeTree(output) : helpOf('', output)
  if (first === 'errors' && args.length === 1) return allErrors(output)
  if (first in errorCodes && args.length === 1) {
    return oneError(first as keyof typeof errorCodes, output)
  }
  const spec = findCommand(args)
  if (!spec) {
    const names = [...commands.map(({ name }) => name), ...runnable().map(({ name }) => name)]
    const known = [...new Set(names), ...Object.keys(errorCodes), 'errors']
    const near = nearest(args.join(' '), known)
    throw new NarrowcastError(
      'NOT_FOUND',
      `help: there is no command or error code ${JSON.stringify(args.join(' '))}`,
      {
        hint: near
          ? `Did you mean ${near}?`
          : 'narrowcast --help lists all commands\nnarrowcast help errors lists all codes',
      },
    )
  }
  if (output.isJson) {
    return output.answer({
      type: 'help.command',
      fields: asJson(fullName(args), spec),
      lines: () => [],
    })
  }
  await helpOf(fullName(args), output)
}

/** `pub` → `publish`. */
function fullName(words: readonly string[]): string {
  return words.map((_, at) => findCommand(words.slice(0, at + 1))?.name).join(' ')
}

async function helpOf(name: string, output: Output): Promise<void> {
  const columns = output.width === Number.POSITIVE_INFINITY ? 100 : output.width
  await output.data(helpText(name, { all: true, columns, paint: output.look.paint }))
}

async function wholeTree(output: Output): Promise<void> {
  await output.answer({
    type: 'help',
    fields: {
      commands: commands.filter((spec) => !spec.hidden).map((spec) => asJson(spec.name, spec)),
      global_flags: globalFlags.map(flagJson),
    },
    lines: () => [],
  })
}

function asJson(name: string, spec: CommandSpec): { readonly [field: string]: Json } {
  return {
    name,
    usage: `narrowcast ${usage(name, spec)}`,
    summary: spec.summary,
    access: spec.access,
    alias: spec.alias ?? null,
    streams: spec.streams ?? false,
    runs: runs(spec),
    flags: (spec.flags ?? []).map(flagJson),
    examples: spec.examples,
    notes: spec.notes ?? [],
    prints: runs(spec) ? printsOf(name, spec) : [],
    exits: exitsOf(spec),
    commands: (spec.commands ?? []).map((child) => asJson(`${name} ${child.name}`, child)),
  }
}

function flagJson({ flags, text, repeats, choices, env }: FlagSpec): {
  readonly [field: string]: Json
} {
  return { flags, text, repeats: repeats ?? false, choices: choices ?? null, env: env ?? null }
}

/** `help --schema`: all types. `help --schema TYPE`: the document itself, fit for a file. */
async function schemas({ args, flags, output }: Invocation): Promise<void> {
  const { outputTypes, schemaOf } = await import('../schemas.ts')
  if (args.length > 0) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `help --schema takes one TYPE, not ${args[0]} too`,
    )
  }
  const type = flags.text('schema')
  if (type === undefined) {
    const all = runnable().filter(({ spec }) => !spec.hidden)
    const commandOf = (one: string) =>
      all.find(({ name, spec }) => printsOf(name, spec).includes(one))?.name ?? null
    return output.list({
      type: 'help.schemas',
      rows: outputTypes,
      columns: [
        { name: 'type', value: (one) => one },
        { name: 'command', value: commandOf },
      ],
    })
  }
  const schema = schemaOf(type)
  if (schema === null) {
    const near = nearest(type, outputTypes)
    throw new NarrowcastError(
      'NOT_FOUND',
      `help: nothing prints the type ${JSON.stringify(type)}`,
      {
        hint: near ? `Did you mean ${near}?` : 'narrowcast help --schema lists all types',
      },
    )
  }
  await output.answer({
    type: 'help.schema',
    fields: { name: type, schema },
    lines: () => [],
    data: () => [JSON.stringify(schema, null, 2)],
  })
}

async function allErrors(output: Output): Promise<void> {
  await output.list({
    type: 'help.errors',
    rows: Object.entries(errorCodes),
    columns: [
      { name: 'code', value: ([code]) => code },
      { name: 'exit', value: ([, { exit }]) => exit, goes: 1 },
      {
        name: 'definite',
        value: ([, { definite }]) => definite,
        text: ([, one]) => yes(one.definite),
        goes: 3,
      },
      {
        name: 'retryable',
        value: ([, one]) => one.retryable,
        text: ([, one]) => yes(one.retryable),
        goes: 2,
      },
      { name: 'doc', head: 'MEANING', value: ([, { doc }]) => doc, widthMin: 15, wraps: true },
    ],
  })
}

async function oneError(code: keyof typeof errorCodes, output: Output): Promise<void> {
  const { definite, retryable, exit, doc } = errorCodes[code]
  await output.answer({
    type: 'help.error',
    fields: { code, doc, definite, retryable, exit },
    lines: () => [
      `${output.look.paint('bold', code)}   exit ${exit}`,
      `  ${doc}`,
      definite
        ? '  It certainly did not happen: doing it again cannot duplicate.'
        : '  It may have happened: do it again only with the same id.',
      retryable ? '  The same call may succeed later.' : '  The same call will fail again.',
    ],
  })
}

function yes(is: boolean): string {
  return is ? 'yes' : 'no'
}
