import { globalFlags } from '../tree/globals.ts'
import type { CommandSpec, FlagSpec } from '../tree/types.ts'
import { commands } from '../tree.ts'

/** What a command line says as far as it is typed. */
export interface Typed {
  readonly spec: CommandSpec | null
  /** Arguments of the command so far. */
  readonly operands: readonly string[]
  /** The flag whose value comes next. */
  readonly value: FlagSpec | null
  /** Values of flags by long name, as the parser would name them. */
  readonly given: Readonly<Record<string, string>>
}

/** Reads whole words: the one under the cursor is not among them. */
export function readTyped(words: readonly string[]): Typed {
  let spec: CommandSpec | null = null
  let operands: string[] = []
  let value: FlagSpec | null = null
  const given: Record<string, string> = {}
  for (const word of words) {
    if (value) {
      given[nameOf(value)] = word
      value = null
      continue
    }
    if (word.startsWith('-') && word !== '-') {
      const [flag = '', ...after] = word.split('=')
      value = flagOf(spec, flag)
      if (value && after.length > 0) {
        given[nameOf(value)] = after.join('=')
        value = null
      }
      continue
    }
    const level: readonly CommandSpec[] = spec ? (spec.commands ?? []) : commands
    const next = operands.length > 0 ? undefined : named(level, word)
    if (next) spec = next
    else operands = [...operands, word]
  }
  return { spec, operands, value, given }
}

function named(level: readonly CommandSpec[], word: string): CommandSpec | undefined {
  return level.find((one) => one.name === word || one.alias === word)
}

/** `--url-file <file>` → `urlFile`. */
function nameOf({ flags }: FlagSpec): string {
  const long = /--([a-z-]+)/.exec(flags)?.[1] ?? ''
  return long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The flag of that name, where it has a value. */
export function flagOf(spec: CommandSpec | null, word: string): FlagSpec | null {
  const all = [...(spec?.flags ?? []), ...globalFlags]
  const found = all.find(({ flags }) => flags.split(/[ ,]+/).includes(word))
  return found?.flags.includes('<') ? found : null
}
