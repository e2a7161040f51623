import { describe, expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { type Lie, liar } from '../../testing/liar.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { GroupAccount } from '../checker/accounting.ts'
import type { BiteCondition } from '../checker/bites.ts'
import { type GroupJudgement, judge } from '../checker/judge.ts'
import { type Verdict, verdictOf } from '../checker/verdict.ts'
import { drawFrom } from '../draw.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { recordBytes } from '../evidence/record.ts'
import type { RunPlan } from '../plan.ts'
import type { OrderPromise } from '../termsOf.ts'
import { InProcessStage } from './inProcessStage.ts'
import { type Played, play } from './play.ts'

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
  'lets some wait that are due': [['order'], ({ lost }) => lost.total === 0],
  'buries what may be tried again': [['dead'], ({ dead, deadUnfounded }) => dead === deadUnfounded],
  'counts one more than it has': [[], ({ lost }) => lost.total === 0],
}

function planFor(lie: Lie, seed: number): RunPlan {
  // A death would be a legal reason for some of the repeats that this lie makes.
  const killsAtMs = lie === 'forgets ids that it should know' ? [] : [200, 450]
  const order = lie === 'lets some wait that are due' ? 'key' : 'none'
  return {
    run: { name: 'r1', number: 1n },
    channel: {
      name: 'lab',
      leaseMs: 2_000,
      attempts: 2,
      deliveriesMax: 10,
      dedupeWindowMs: 60_000,
      order,
    },
    load: {
      ...{ messages: 300, perSecond: 400, producers: 2, workers: 4, concurrency: 4 },
      ...{ handlerMs: 20, keys: 16, bytes: 64, poisonShare: 0.01, againShare: 0.5 },
    },
    seed,
    killsAtMs,
  }
}

async function played(lie: Lie, plan: RunPlan): Promise<Played> {
  const draw = drawFrom(plan.seed, 'lies')
  const numberOf = (id: string) => Number(/\d+$/.exec(id)?.[0])
  const clock = virtualClock()
  const broker = liar(memory({ clock }), lie, (id) => draw(numberOf(id)))
  return await clock.runUntil(play(plan, new InProcessStage(plan, broker, clock)))
}

interface Judged {
  readonly all: GroupAccount
  /** Checks that are not held. */
  readonly red: string[]
  readonly status: Verdict['status']
}

async function judged(
  lie: Lie,
  seed: number,
  change: Partial<RunPlan> = {},
  conditions: readonly BiteCondition[] = [],
): Promise<Judged> {
  const plan = { ...planFor(lie, seed), ...change }
  const { evidence, run, isDrained } = await played(lie, plan)
  const { groups, disagreements, bites, ownEnds } = judge(evidence, run, 250, conditions)
  const [{ account: all, checks }] = groups as [GroupJudgement]
  const red = checks.filter(({ status }) => status !== 'held').map(({ id }) => id)
  const course = { isBarrierReached: true, isDrained, disagreements, bites, ownEnds }
  const { messages } = plan.load
  const sent = { planned: messages, attempted: all.attempted }
  return { all, red, status: verdictOf(checks, { ...course, ...sent }).status }
}

test.for(Object.entries(detectors))(
  'a broker that %s turns its own detector red and no other',
  { timeout: 120_000 },
  async ([lie, [expected, isThisOne]]) => {
    for (let seed = 0; seed < 10; seed++) {
      const { all, red, status } = await judged(lie as Lie, seed)
      expect(red, `seed ${seed}`).toEqual(expected)
      expect(status).toBe(expected.length > 0 ? 'BROKEN' : 'INCONCLUSIVE')
      expect(isThisOne(all), `seed ${seed}: ${JSON.stringify(all)}`).toBe(true)
    }
  },
)

const withOrder = (order: 'none' | 'key'): Partial<RunPlan> => ({
  channel: { ...planFor('none', 0).channel, order },
})

test('an honest broker is all green', { timeout: 120_000 }, async () => {
  let killed = 0
  for (let seed = 0; seed < 200; seed++) {
    const { all, red, status } = await judged(
      'none',
      seed,
      withOrder(seed % 2 === 0 ? 'none' : 'key'),
    )
    expect([red, status], `seed ${seed}`).toEqual([[], 'KEPT'])
    expect([all.attempted, all.processed + all.dead], `seed ${seed}`).toEqual([300, 300])
    killed += all.redelivered.byCause['worker-killed'] ?? 0
  }
  expect(killed).toBeGreaterThan(200) // or nothing was ever in a hand that died
})

test('copies of what was published twice explain themselves, also when workers die', async () => {
  const { channel, load } = planFor('none', 0)
  const twice: Partial<RunPlan> = {
    channel: { ...channel, dedupeWindowMs: null },
    load: { ...load, againShare: 1 },
  }
  for (let seed = 0; seed < 20; seed++) {
    const { all, red, status } = await judged('none', seed, twice)
    expect([red, status], `seed ${seed}: ${JSON.stringify(all)}`).toEqual([[], 'KEPT'])
    expect(all.reprocessed.byCause['producer-retry']).toBeGreaterThan(100)
  }
})

test('a broker that hands out several of a key is found out by who asked for order', async () => {
  const { evidence, run } = await played('none', planFor('none', 2))
  const status = (order: OrderPromise) =>
    judge(evidence, { ...run, order }, 250, [])
      .groups.flatMap(({ checks }) => checks)
      .find(({ id }) => id === 'one-of-a-key')?.status
  expect([status('none'), status('key on the first try')]).toEqual([undefined, 'violated'])
})

test('what takes long to drain is not stuck', { timeout: 120_000 }, async () => {
  const { load } = planFor('none', 0)
  const slow: Partial<RunPlan> = {
    load: { ...load, workers: 1, concurrency: 1, handlerMs: 400, againShare: 0 },
    killsAtMs: [],
  }
  expect(await judged('none', 1, slow)).toMatchObject({ red: [], status: 'KEPT' })
})

test('a kill that hits an idle worker proves nothing', async () => {
  const conditions = [{ is: 'busyKills', atLeast: 2 }] as const
  expect(await judged('none', 5, {}, conditions)).toMatchObject({ red: [], status: 'KEPT' })
  const late = { killsAtMs: [5_000, 6_000] }
  expect(await judged('none', 5, late, conditions)).toMatchObject({
    red: [],
    status: 'INCONCLUSIVE',
  })
})

describe('the ledgers of a run', () => {
  const workersOf = (evidence: Evidence) =>
    evidence.ledgers.flatMap(({ sidecar, bytes }) => (sidecar.role === 'worker' ? [bytes] : []))

  test('cut inside a record give the same verdict', async () => {
    const { evidence, run } = await played('none', planFor('none', 3))
    const whole = judge(evidence, run, 250, [])
    const torn = evidence.ledgers.map(({ sidecar, bytes }) => ({
      sidecar,
      bytes: Buffer.concat([bytes, bytes.subarray(0, 17)]),
    }))
    expect(judge({ ...evidence, ledgers: torn }, run, 250, [])).toEqual(whole)
  })

  test('with two records swapped between two of them are no evidence', async () => {
    const { evidence, run } = await played('none', planFor('none', 3))
    const [first, second] = workersOf(evidence) as [Uint8Array, Uint8Array]
    const record = first.slice(0, recordBytes)
    first.set(second.subarray(0, recordBytes))
    second.set(record)
    expect(() => judge(evidence, run, 250, [])).toThrow(
      expect.objectContaining({
        code: 'INTERNAL',
        message: expect.stringContaining('says that worker 1 wrote it'),
      }),
    )
  })
})
