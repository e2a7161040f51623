import { createInterface } from 'node:readline/promises'
import { NarrowcastError } from '../core/errors.ts'
import { selectedContext } from './contexts/selected.ts'
import type { Invocation } from './invocation.ts'
import type { Json } from './output/table.ts'

/**
 * A change that can be made good again: asks `[y/N]`, or takes --yes.
 * @throws CONSENT_NEEDED without a yes, and where nobody can be asked.
 */
export async function askYes(invocation: Invocation, question: string): Promise<void> {
  checkYes(invocation)
  if (invocation.flags.isSet('yes')) return
  const answer = await ask(invocation, `${question} [y/N] `)
  if (/^y(es)?$/i.test(answer.trim())) return
  throw new NarrowcastError('CONSENT_NEEDED', 'not confirmed; nothing was changed')
}

/** For what has to look for long before it can ask. @throws CONSENT_NEEDED where nobody can be. */
export function checkYes({ flags, canAsk, dryRun }: Invocation): void {
  if (canAsk || dryRun || flags.isSet('yes')) return
  const text = 'needs consent. Add --yes, or --dry-run to look first.'
  throw new NarrowcastError('CONSENT_NEEDED', text)
}

/**
 * A change that takes something away for good: the name is typed, or given by --confirm.
 * @throws CONSENT_NEEDED without the very name, and where nobody can be asked.
 */
export async function askName(
  invocation: Invocation,
  question: string,
  name: string,
): Promise<void> {
  const given = invocation.flags.text('confirm')
  if (given === name) return
  if (given !== undefined) {
    throw new NarrowcastError(
      'CONSENT_NEEDED',
      `--confirm ${JSON.stringify(given)} is not the name; nothing was changed`,
      { hint: `Expected --confirm ${name}` },
    )
  }
  if (!invocation.canAsk) {
    throw new NarrowcastError(
      'CONSENT_NEEDED',
      `needs consent. Add --confirm ${name}, or --dry-run to look first.`,
    )
  }
  const answer = await ask(invocation, `${question}\nType the name to go on (${name}): `)
  if (answer.trim() === name) return
  throw new NarrowcastError('CONSENT_NEEDED', 'that was not the name; nothing was changed')
}

/** Says what a dry run would do. @returns true when this is one: then nothing more is to be done. */
export async function isDryRun(
  { command, dryRun, output }: Invocation,
  would: string,
  fields: Readonly<Record<string, Json>> = {},
): Promise<boolean> {
  if (!dryRun) return false
  if (output.isJson) {
    await output.event(command.replaceAll(' ', '.'), { dry_run: true, would, ...fields })
    return true
  }
  output.note(would)
  output.note('nothing changed (dry run)')
  return true
}

/** With --if-exists, what is not there needs no removing. */
export async function ifExists(invocation: Invocation, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const isAbsent = error instanceof NarrowcastError && error.code === 'NOT_FOUND'
    if (!isAbsent || !invocation.flags.isSet('if-exists')) throw error
    invocation.output.note(error.message)
  }
}

/** A question with an answer of words; '' where none is given. Only where somebody can be asked. */
export async function askText(invocation: Invocation, question: string): Promise<string> {
  return (await ask(invocation, question)).trim()
}

async function ask({ output, flags, env }: Invocation, question: string): Promise<string> {
  const environment = selectedContext(flags, env)?.context.environment
  const { paint } = output.lookOfStderr
  const where = environment ? paint(environment.colour ?? 'bold', `[${environment.name}] `) : ''
  const reader = createInterface({ input: process.stdin, output: output.stderr })
  try {
    return await new Promise<string>((answer) => {
      reader.question(where + question).then(answer, () => answer(''))
      // Ctrl-D, and Ctrl-C, which the reader swallows: no answer is a no.
      reader.once('close', () => answer(''))
    })
  } finally {
    reader.close()
  }
}
