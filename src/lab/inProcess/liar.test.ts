import { expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { type Lie, liar } from '../../testing/liar.ts'
import { account } from '../checker/account.ts'
import type { GroupAccount } from '../checker/accounting.ts'
import { checksOf } from '../checker/checks.ts'
import { drawFrom } from '../draw.ts'
import { type InProcessPlan, playInProcess } from './playInProcess.ts'

/** What each lie turns red, and what else shows that it is this one. */
const detectors: Readonly<
  Record<Exclude<Lie, 'none'>, [string[], (all: GroupAccount) => boolean]>
> = {
  'drops what it has stored': [['lost'], ({ lost }) => lost.broker === lost.total],
  'stores what it refuses': [['phantom'], ({ failed, phantom }) => phantom === failed],
  'stores one message twice': [
    ['redelivered', 'reprocessed', 'stored-twice'],
    ({ reprocessed }) => reprocessed.unexplained > 0,
  ],
  'forgets ids that it should know': [
    ['redelivered', 'reprocessed', 'stored-twice'],
    ({ reprocessed }) => (reprocessed.byCause['producer-retry'] ?? 0) > 0,
  ],
  'hands out a foreign message': [['unexpected'], ({ lost }) => lost.total === 0],
  'changes a byte': [['unexpected'], ({ lost }) => lost.total === 0],
  'acknowledges before the handler': [['lost'], ({ lost }) => lost.worker === lost.total],
  'gives one message to two workers': [
    ['redelivered', 'reprocessed'],
    ({ overlap, storedTwice }) => overlap > 0 && storedTwice === 0,
  ],
  'keeps messages for itself': [['stuck'], ({ stuck, lost }) => stuck > 0 && lost.total === 0],
}

function planFor(lie: Lie, seed: number): InProcessPlan {
  // A death would be a legal reason for some of the repeats that this lie makes.
  const killsAtMs = lie === 'forgets ids that it should know' ? [] : [200, 450]
  const draw = drawFrom(seed, 'lies')
  const numberOf = (id: string) => Number(/\d+$/.exec(id)?.[0])
  return {
    load: {
      ...{ messages: 300, perSecond: 400, producers: 2, workers: 4, concurrency: 4 },
      ...{ handlerMs: 20, keys: 16, bytes: 64, poisonShare: 0.01, againShare: 0.5 },
    },
    ...{ seed, leaseMs: 2_000, attempts: 2, dedupeWindowMs: 60_000, killsAtMs },
    broker: (clock) => liar(memory({ clock }), lie, (id) => draw(numberOf(id))),
  }
}

async function judged(lie: Lie, seed: number): Promise<{ all: GroupAccount; red: string[] }> {
  const { evidence, run } = await playInProcess(planFor(lie, seed))
  const [all] = account(evidence, run.terms, 250)
  if (!all) throw new Error('expected an account')
  const red = checksOf(all, run).filter(({ status }) => status !== 'held')
  return { all, red: red.map(({ id }) => id) }
}

test.for(Object.entries(detectors))(
  'a broker that %s turns its own detector red and no other',
  { timeout: 120_000 },
  async ([lie, [expected, isThisOne]]) => {
    for (let seed = 0; seed < 10; seed++) {
      const { all, red } = await judged(lie as Lie, seed)
      expect(red, `seed ${seed}`).toEqual(expected)
      expect(isThisOne(all), `seed ${seed}: ${JSON.stringify(all)}`).toBe(true)
    }
  },
)

test('an honest broker is all green', { timeout: 120_000 }, async () => {
  let killed = 0
  for (let seed = 0; seed < 200; seed++) {
    const { all, red } = await judged('none', seed)
    expect(red, `seed ${seed}`).toEqual([])
    expect([all.attempted, all.processed + all.dead], `seed ${seed}`).toEqual([300, 300])
    killed += all.redelivered.byCause['worker-killed'] ?? 0
  }
  expect(killed).toBeGreaterThan(200) // or nothing was ever in a hand that died
})
