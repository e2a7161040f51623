import { demoSpec } from './demo/spec.ts'
import { flowCommands } from './tree/flow.ts'
import { labCommand } from './tree/lab.ts'
import { lookCommands } from './tree/look.ts'
import { otherCommands } from './tree/other.ts'
import { relayCommand } from './tree/relay.ts'
import { telemetryCommands } from './tree/telemetry.ts'
import { topCommand } from './tree/top.ts'
import type { CommandSpec } from './tree/types.ts'

/**
 * The whole command line as data. The parser, the help, the completion, the reference in
 * docs/cli.md and the tests are made from it.
 */
export const commands: readonly CommandSpec[] = [
  demoSpec,
  ...flowCommands,
  relayCommand,
  ...lookCommands,
  ...telemetryCommands,
  topCommand,
  labCommand,
  ...otherCommands,
]

/** False for a command that only holds others. */
export function runs(spec: CommandSpec): boolean {
  return spec.commands === undefined || spec.args !== undefined
}

/** Every command that can be run, with its full name: `dead redrive`. */
export function runnable(
  from: readonly CommandSpec[] = commands,
  above = '',
): { name: string; spec: CommandSpec }[] {
  return from.flatMap((spec) => {
    const name = above === '' ? spec.name : `${above} ${spec.name}`
    return [...(runs(spec) ? [{ name, spec }] : []), ...runnable(spec.commands ?? [], name)]
  })
}

/** The command of that full name, also one that only holds others. */
export function findCommand(words: readonly string[]): CommandSpec | null {
  let level: readonly CommandSpec[] = commands
  let found: CommandSpec | null = null
  for (const word of words) {
    found = level.find((spec) => spec.name === word || spec.alias === word) ?? null
    if (!found) return null
    level = found.commands ?? []
  }
  return found
}
