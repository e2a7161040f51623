import { describe, expect, test } from 'vitest'
import { SimulationChild, simulateAll } from '../src/testing/simulation/children.ts'
import { defects } from '../src/testing/simulation/defects.ts'
import { type Happening, happenings, Tally } from '../src/testing/simulation/happenings.ts'
import { lightSignals } from '../src/testing/simulation/lightSignals.ts'
import { lightTurns } from '../src/testing/simulation/lightTurns.ts'
import { playSchedule } from '../src/testing/simulation/playSchedule.ts'
import { simulate } from '../src/testing/simulation/simulate.ts'

/**
 * The runtime over the memory driver, on a virtual clock, with faults drawn from a seed, on every
 * core. A failing seed is printed; `SEED=n npm test -- test/simulation.test.ts` runs that one
 * alone, and shows every step.
 */
const asked = process.env.SEED
process.removeAllListeners('warning') // of trouble while a relay opens, when nobody can listen yet
const schedules = 100_000
/** These run once more, on the turns of the event loop and the signals of the platform itself. */
const onThePlatform = 500
/** A defect is found long before; none needs more than this. */
const seedsPerDefect = 1_000

describe.skipIf(asked !== undefined)('every promise is kept', () => {
  test(`in ${schedules} schedules, with all that can happen`, { timeout: 900_000 }, async () => {
    const startedMs = performance.now()
    const { count, counts, failed } = await simulateAll({ first: 0, count: schedules })
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1)
    process.stdout.write(`simulation: ${count} schedules in ${seconds} s\n${tableOf(counts)}\n`)
    const broken = failed.map(
      ({ seed, problems }) =>
        `SEED=${seed} npm test -- test/simulation.test.ts\n${problems.join('\n')}`,
    )
    expect(broken).toEqual([])
    expect(count).toBe(schedules)
    expect(happenings.filter((one) => !counts.get(one))).toEqual([])
  })

  test(`in ${onThePlatform} schedules on the platform itself`, { timeout: 120_000 }, async () => {
    for (let seed = 0; seed < onThePlatform; seed++) {
      const { problems } = await playSchedule(seed)
      expect(problems, `seed ${seed}`).toEqual([])
    }
  })
})

if (asked !== undefined) {
  test(`seed ${asked} keeps every promise`, { timeout: 60_000 }, async () => {
    using turns = lightTurns()
    const wish = { isTraced: true, settle: () => turns.quiet() }
    const { plan, problems, trace } = await playSchedule(Number(asked), wish)
    process.stdout.write(`${JSON.stringify(plan, null, 2)}\n${trace.join('\n')}\n`)
    expect(problems).toEqual([])
  })
}

describe.skipIf(asked !== undefined)('the same seed gives the same schedule, step by step', () => {
  test('once more', async () => {
    for (let seed = 0; seed < 20; seed++) expect(await steps(seed)).toEqual(await steps(seed))
  })

  test('alone or after others', { timeout: 60_000 }, async () => {
    await using child = new SimulationChild()
    const count = 100
    const alone = new Tally()
    for (let first = 0; first < count; first++) {
      alone.addAll((await child.run({ first, count: 1 })).counts)
    }
    const { counts } = await child.run({ first: 0, count })
    expect(tableOf(alone.counts)).toBe(tableOf(counts))
  })

  test('with lighter signals than those of the platform', { timeout: 60_000 }, async () => {
    using turns = lightTurns()
    for (let seed = 0; seed < 200; seed++) {
      const heavy = await steps(seed, () => turns.quiet())
      using _ = lightSignals()
      expect(await steps(seed, () => turns.quiet()), `seed ${seed}`).toEqual(heavy)
    }
  })
})

describe.skipIf(asked !== undefined)(
  'a driver or a process with one thing wrong is found out:',
  () => {
    test.for(defects)('one that $name', { timeout: 120_000 }, async (defect) => {
      for (let seed = 0; seed < seedsPerDefect; seed++) {
        const { problems } = await simulate(seed, { defect })
        if (problems.length > 0) return
      }
      expect.fail(`no promise was broken in ${seedsPerDefect} schedules`)
    })
  },
)

/** Names of readers are drawn at random, and nothing depends on them. */
async function steps(seed: number, settle?: () => Promise<void>): Promise<string[]> {
  const { trace } = await playSchedule(seed, { isTraced: true, ...(settle && { settle }) })
  return trace.map((line) => line.replaceAll(/[a-z2-7]{8}(:[a-z2-7]{12})?/g, '…'))
}

function tableOf(counts: ReadonlyMap<Happening, number>): string {
  return happenings.map((one) => `${String(counts.get(one) ?? 0).padStart(9)}  ${one}`).join('\n')
}
