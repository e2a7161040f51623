import { NarrowcastError } from '../core/errors.ts'
import { originOf, selectedContext } from './contexts/selected.ts'
import { type Flags, isTrue } from './flags.ts'
import type { CommandSpec } from './tree/types.ts'

type Env = Readonly<Record<string, string | undefined>>

/** What switches changes off: a flag, a variable, or the context in use; null: nothing does. */
export function readOnlyBy(flags: Flags, env: Env): string | null {
  if (flags.isSet('read-only')) return '--read-only'
  if (isTrue(env.NARROWCAST_READ_ONLY)) return 'NARROWCAST_READ_ONLY'
  const selected = selectedContext(flags, env)
  return selected?.context.readOnly ? originOf(selected) : null
}

/**
 * Read before anything else: a refused change must not even connect. A context protects its
 * backend, not the files of a command that asks none.
 * @throws READ_ONLY
 */
export function refuseIfReadOnly(
  command: string,
  { access, isLocal }: CommandSpec,
  flags: Flags,
  env: Env,
): void {
  if (access === 'ro') return
  const by = isLocal && !flags.isSet('read-only') ? byVariable(env) : readOnlyBy(flags, env)
  if (by === null) return
  const hints: Readonly<Record<string, string>> = {
    '--read-only': 'Switched off by --read-only: leave it out.',
    NARROWCAST_READ_ONLY: 'Switched off by the variable NARROWCAST_READ_ONLY: unset it.',
  }
  const ofContext = `Switched off by ${by}.\nnarrowcast context show tells more, --context NAME takes another one.`
  throw new NarrowcastError('READ_ONLY', `${command} changes something, and changes are off`, {
    hint: hints[by] ?? ofContext,
  })
}

function byVariable({ NARROWCAST_READ_ONLY }: Env): string | null {
  return isTrue(NARROWCAST_READ_ONLY) ? 'NARROWCAST_READ_ONLY' : null
}
