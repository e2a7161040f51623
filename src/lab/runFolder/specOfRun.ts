import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { NarrowcastError } from '../../core/errors.ts'
import { isLive } from '../../core/message.ts'
import { biteWords } from '../checker/bites.ts'
import type { Report } from '../report/types.ts'
import { scenarioSchema } from '../scenarios/scenario.ts'

export const specFile = 'spec.json'
export const commandFile = 'command.txt'

const specSchema = z.looseObject({
  scenario: scenarioSchema,
  subject: z.looseObject({ backend: z.string(), pattern: z.string(), profile: z.string() }),
  seed: z.int(),
  expected: z.literal('at-least-once').nullable(),
})

/** What a report says that was written down before its run began. */
export type Asked = Readonly<Record<string, unknown>>

export function askedBy({ seed, command, expected, spec, bites }: Report): Asked {
  const { scenario, title, backend, pattern, profile } = spec
  const wanted = bites.map(({ what, atLeast }) => ({ what, atLeast }))
  return { seed, command, expected, scenario, title, backend, pattern, profile, bites: wanted }
}

/** The same as its folder has it. @throws INTERNAL when that cannot be read. */
export async function askedOf(folder: string): Promise<Asked> {
  const path = join(folder, specFile)
  try {
    const spec = specSchema.parse(JSON.parse(await readFile(path, 'utf8')))
    const command = (await readFile(join(folder, commandFile), 'utf8')).trimEnd()
    const { name, title, bites } = spec.scenario
    const { backend, pattern, profile } = spec.subject
    const skipped = isLive(pattern as Report['spec']['pattern']) ? 'kept' : 'live'
    const wanted = bites
      .filter((bite) => bite.of !== skipped)
      .map(({ is, atLeast }) => ({ what: biteWords[is], atLeast }))
    return {
      ...{ seed: spec.seed, command, expected: spec.expected, scenario: name, title },
      ...{ backend, pattern, profile, bites: wanted },
    }
  } catch (cause) {
    const text = `lab: what was asked of the run in ${folder} cannot be read: ${(cause as Error).message}`
    throw new NarrowcastError('INTERNAL', text, { operation: 'read the plan of a run', cause })
  }
}
