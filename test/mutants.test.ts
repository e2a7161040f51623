import { afterAll, describe, expect, test } from 'vitest'
import { type SeedProblems, SimulationChild } from '../src/testing/simulation/children.ts'
import { mutated } from '../src/testing/simulation/mutant.ts'
import { type KnownMutant, mutants } from './mutants.ts'

/** The rarest is found once in some thousand schedules. */
const seedsPerMutant = 20_000
const portion = 100

const found: string[] = []

describe('a runtime with one line wrong is found out:', () => {
  test.for(mutants)('one that $name', { timeout: 300_000 }, async (mutant) => {
    const caught = await hunt(mutant)
    if (!caught) return expect.fail(`no promise was broken in ${seedsPerMutant} schedules`)
    const { seed, problems } = caught
    const isNew = seed === mutant.seed ? '' : ` (write it into test/mutants.ts)`
    found.push(
      `${String(seed).padStart(9)}${isNew}  ${mutant.name}: ${problems[0]?.split('\n')[0]}`,
    )
  })

  afterAll(() => {
    process.stdout.write(`mutants, and the seed that found each\n${found.join('\n')}\n`)
  })
})

test('a mutant whose line is gone, or stands there twice, is an error', () => {
  const mutant = { name: 'nobody', file: 'runtime/lease.ts', to: '' }
  expect(() => mutated({ ...mutant, from: 'no such line' })).toThrow('has its line 0 times')
  expect(() => mutated({ ...mutant, from: 'import' })).toThrow(/has its line [2-9] times/)
})

/** The known seed first; what no longer finds it there may find it elsewhere. */
async function hunt(mutant: KnownMutant): Promise<SeedProblems | null> {
  await using child = new SimulationChild(mutant)
  const known = await child.run({ first: mutant.seed, count: 1 })
  if (known.failed[0]) return known.failed[0]
  for (let first = 0; first < seedsPerMutant; first += portion) {
    const { failed } = await child.run({ first, count: portion })
    if (failed[0]) return failed[0]
  }
  return null
}
