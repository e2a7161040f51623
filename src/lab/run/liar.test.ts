import { describe, expect, test } from 'vitest'
import type { GroupAccount } from '../checker/accounting.ts'
import { judge } from '../checker/judge.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { recordBytes } from '../evidence/record.ts'
import type { RunPlan } from '../plan.ts'
import type { OrderPromise } from '../termsOf.ts'
import { judged, killsAt, planFor, played } from './judgedRun.ts'
import { redFor } from './selfTest.ts'

/** What shows, beside the checks that it turns red, that it is this lie. */
const isThisOne: Readonly<Record<keyof typeof redFor, (all: GroupAccount) => boolean>> = {
  'drops what it has stored': ({ lost }) => lost.broker === lost.total,
  'stores what it refuses': ({ failed, phantom }) => phantom === failed,
  'stores one message twice': ({ reprocessed }) => reprocessed.unexplained > 0,
  'forgets ids that it should know': ({ reprocessed }) =>
    (reprocessed.byCause['producer-retry'] ?? 0) > 0,
  'hands out a foreign message': ({ lost }) => lost.total === 0,
  'changes a byte': ({ lost }) => lost.total === 0,
  'acknowledges before the handler': ({ lost }) => lost.worker === lost.total,
  'gives one message to two workers': ({ overlap, storedTwice }) =>
    overlap > 0 && storedTwice === 0,
  'keeps messages for itself': ({ stuck, lost }) => stuck > 0 && lost.total === 0,
  'lets some wait that are due': ({ lost }) => lost.total === 0,
  'buries what may be tried again': ({ dead, deadUnfounded }) => dead === deadUnfounded,
  'accepts a late settle': ({ overlap, lateUnfounded, lost }) =>
    overlap > 0 && lateUnfounded > 0 && lost.total === 0,
  'lets two owners settle': ({ overlap, ackedBeyond, lateUnfounded }) =>
    overlap > 0 && ackedBeyond > 0 && lateUnfounded === 0,
  'tries once more than it may': ({ dead, deadUnfounded }) => dead === deadUnfounded,
  'forgets who died of it': ({ retriedBeyond, lost }) => retriedBeyond > 0 && lost.total === 0,
  'goes deaf': ({ lost, stuck }) => lost.total === 0 && stuck === 0,
  'counts more than it has': ({ lost }) => lost.total === 0,
}

test.for(Object.entries(redFor) as [keyof typeof redFor, readonly string[]][])(
  'a broker that %s turns its own detector red and no other',
  { timeout: 120_000 },
  async ([lie, expected]) => {
    for (let seed = 0; seed < 10; seed++) {
      const { all, red, status } = await judged(lie, seed)
      expect(red, `seed ${seed}`).toEqual(expected)
      expect(status).toBe(expected.length > 0 ? 'BROKEN' : 'INCONCLUSIVE')
      expect(isThisOne[lie](all), `seed ${seed}: ${JSON.stringify(all)}`).toBe(true)
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
    faults: [],
  }
  expect(await judged('none', 1, slow)).toMatchObject({ red: [], status: 'KEPT' })
})

test('a kill that hits an idle worker proves nothing', async () => {
  const conditions = [{ is: 'busyKills', atLeast: 2 }] as const
  expect(await judged('none', 5, {}, conditions)).toMatchObject({ red: [], status: 'KEPT' })
  const late = { faults: killsAt(5_000, 6_000) }
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
