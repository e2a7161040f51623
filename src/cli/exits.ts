import type { CommandSpec } from './tree/types.ts'

/** Every exit code, and what it says. */
export const exits: readonly (readonly [number, string])[] = [
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

/** The exit codes that a command may end with. */
export function exitsOf(spec: CommandSpec): number[] {
  const all = [
    ...[0, 1, 2, 130, 143],
    ...(spec.isLocal ? [] : [3, 4, 6, 7]),
    ...(spec.access === 'ro' ? [] : [5]),
    ...(spec.exits ?? []),
  ]
  return [...new Set(all)].sort((a, b) => a - b)
}

/** The types of the JSON objects that a command prints. */
export function printsOf(name: string, spec: CommandSpec): readonly string[] {
  return spec.prints ?? [name.replaceAll(' ', '.')]
}
