import { contract } from './messages.ts'
import {
  answer,
  anything,
  change,
  count,
  dryRun,
  type Fields,
  list,
  many,
  number,
  object,
  oneOf,
  orNull,
  type Shape,
  text,
  yesNo,
} from './schema.ts'

const flag = object({
  flags: text,
  text,
  repeats: yesNo,
  choices: orNull(many(text)),
  env: orNull(text),
})

/** Commands hold commands; three levels are all there are. */
function command(levelsBelow: number): Fields {
  const below = levelsBelow > 0 ? object(command(levelsBelow - 1)) : anything
  return {
    name: text,
    usage: text,
    summary: text,
    access: oneOf('ro', 'rw', 'destructive'),
    alias: orNull(text),
    streams: yesNo,
    runs: yesNo,
    flags: many(flag),
    examples: many(text),
    notes: many(text),
    prints: many(text),
    exits: many(count),
    commands: many(below),
  }
}

const code: Fields = { code: text, exit: count, definite: yesNo, retryable: yesNo, doc: text }

const context: Fields = {
  name: text,
  used: yesNo,
  url: text,
  environment: orNull(object({ name: text, colour: orNull(text) })),
  read_only: yesNo,
  password_command: yesNo,
}

/** One rate of `bench`; times are null where nothing arrived. */
const rate: Fields = {
  offered_per_s: count,
  achieved_per_s: count,
  p50_ms: orNull(number),
  p99_ms: orNull(number),
  p999_ms: orNull(number),
  max_ms: orNull(number),
  refused: count,
  not_arrived: count,
  kept_up: yesNo,
}

/** What all other commands print, and the error of every command, which goes to stderr. */
export const otherSchemas: Readonly<Record<string, Shape>> = {
  error: answer({
    code: text,
    definite: yesNo,
    retryable: yesNo,
    message: text,
    hint: orNull(text),
    docs: text,
    exit: count,
  }),
  contract: list({
    backend: text,
    pattern: text,
    contract,
    unknown: many(object({ fact: text, why: text })),
  }),
  bench: [
    {
      items: many(object(rate)),
      url: text,
      pattern: text,
      bytes: count,
      for_ms: number,
      p99_max_ms: number,
      kept_up_per_s: orNull(number),
      machine: object({ cpu: text, cores: count, memory_bytes: count, os: text }),
      versions: object({ narrowcast: text, node: text, driver: text, backend: text }),
    },
    rate,
    dryRun,
  ],
  doctor: answer({
    checks: many(
      object({
        name: text,
        state: oneOf('ok', 'warning', 'problem'),
        text,
        hint: orNull(text),
      }),
    ),
    problems: count,
    warnings: count,
    exit: count,
  }),
  init: change({ dir: text, files: many(text) }),
  'context.ls': list(context),
  'context.show': answer({ ...context, path: text }),
  'context.add': change({ name: text, path: text, replaced: yesNo }),
  'context.use': change({ name: orNull(text), before: orNull(text) }),
  'context.rm': change({ name: text, removed: yesNo }),
  'config.show': list({ name: text, value: anything, origin: text }),
  'config.check': answer({ path: orNull(text), channels: count }),
  'config.path': answer({ path: text }),
  completion: answer({ shell: text, script: text }),
  help: answer({ commands: many(object(command(2))), global_flags: many(flag) }),
  'help.command': answer(command(2)),
  'help.errors': list(code),
  'help.error': answer(code),
  'help.schemas': list({ type: text, command: orNull(text) }),
  'help.schema': answer({ name: text, schema: { type: 'object' } }),
}
