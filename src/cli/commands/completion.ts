import { NarrowcastError } from '../../core/errors.ts'
import { candidates } from '../completion/candidates.ts'
import { scriptOf, shells } from '../completion/scripts.ts'
import type { Run } from '../invocation.ts'

/** `completion SHELL`: the script that a shell reads once. */
export const completion: Run = async ({ args, output }) => {
  const shell = args[0] as string
  const script = scriptOf(shell)
  if (script === null) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `completion: unknown shell ${JSON.stringify(shell)}`,
      {
        hint: `Known are ${shells.join(', ')}`,
      },
    )
  }
  if (output.isJson) await output.event('completion', { shell, script })
  else await output.data(script)
}

/** `__complete -- WORDS…`: candidates for the last word, one per line. Never fails, never speaks. */
export const complete: Run = async (invocation) => {
  const found = await candidates(invocation)
  // Lines in every format: NARROWCAST_OUTPUT is a wish of people, and the script reads lines.
  invocation.output.stdout.write(found.map((one) => `${one}\n`).join(''))
}
