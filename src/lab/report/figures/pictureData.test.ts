import { describe, expect, test } from 'vitest'
import type { Entry, History } from '../../checker/naive/smallHistory.ts'
import { exampleResult } from '../exampleRun.ts'
import { fates } from './fates.ts'
import { pictureDataOf } from './pictureData.ts'
import { done, pictured, published } from './pictureScene.ts'

const bare = { ledgers: {}, events: [] } satisfies History

describe('what became of a message', () => {
  const worker = (entries: Entry[]) => ({ 'worker 0.0': entries })
  const refused = (outcome: 'fail' | 'info'): Entry[] => [
    ['invoke', 0, 1_000, { count: 1, position: 1_000_000_000n }],
    [outcome, 0, 1_002],
  ]
  const ok = published(0, 1_000)
  test.for([
    ['ok', ok, worker(done(0, 1_004))],
    ['lost', ok, worker([['recv', 0, 1_004]])],
    ['reprocessed', ok, worker([...done(0, 1_004), ...done(0, 1_010, 2)])],
    ['dead', ok, { 'deadReader 0.0': [['dead', 0, 1_004]] }],
    ['stuck', ok, { 'deadReader 0.0': [['left', 0, 1_004]] }],
    ['recovered', refused('info'), worker(done(0, 1_004))],
    ['unaccepted', refused('info'), {}],
    ['unaccepted', refused('fail'), {}],
    ['phantom', refused('fail'), worker(done(0, 1_004))],
  ] as const)('%s', ([fate, producer, rest]) => {
    const ledgers = { 'producer 0.0': producer, ...rest }
    const { groups } = pictureDataOf(exampleResult({ history: { ledgers } }))
    expect(groups[0]?.fates.totals).toEqual(
      Object.fromEntries(fates.map((one) => [one, Number(one === fate)])),
    )
  })

  test('of a broadcast: lost is what one of its live subscribers did not get', () => {
    const terms = { pattern: 'broadcast', delivery: 'at-most-once' } as const
    const history: History = {
      ledgers: {
        'producer 0.0': [0, 1, 2].flatMap((one) => published(one, 1_000 + 50 * one)),
        'worker 0.0': [0, 1, 2].flatMap((one) => done(one, 1_004 + 50 * one)),
        'worker 1.0': [...done(0, 1_004), ...done(2, 1_104), ...done(2, 1_114, 2)],
      },
      events: ['worker 0.0', 'worker 1.0'].map((who) => [who, 'SUBSCRIBED', 900]),
      terms,
    }
    const result = exampleResult({ history, channel: { pattern: 'broadcast' } })
    const { groups, messages } = pictureDataOf(result)
    expect(groups).toHaveLength(1)
    expect(groups[0]?.fates.totals).toMatchObject({ ok: 1, lost: 1, reprocessed: 1 })
    expect(messages.first.map(({ id }) => id)).toEqual([
      'r1-p00-i00-s0000001',
      'r1-p00-i00-s0000002',
    ])
  })
})

test('the strip has every message, by producer and by when it was published', () => {
  const { groups } = pictureDataOf(pictured(200))
  const [strip] = groups.map((group) => group.fates)
  const sums = strip?.rows.map(({ counts }) => counts.map((one) => one.reduce((a, b) => a + b, 0)))
  expect(strip?.totals).toMatchObject({ lost: 1, reprocessed: 1, ok: 198 })
  expect(sums).toEqual([fates.map((fate) => strip?.totals[fate])])
  const lost = strip?.rows[0]?.counts[fates.indexOf('lost')]
  const { fromMs, binMs } = strip?.bins ?? { fromMs: 0, binMs: 0 }
  expect(fromMs + (lost?.indexOf(1) ?? -1) * binMs).toBeGreaterThan(30 - binMs)
  expect(fromMs + (lost?.indexOf(1) ?? -1) * binMs).toBeLessThanOrEqual(30)
})

test('rates count what was accepted and what was done for the first time', () => {
  const { rates, groups } = pictureDataOf(pictured(200))
  const sum = (counts: Uint32Array | undefined) => counts?.reduce((a, b) => a + b, 0)
  expect([sum(rates.published), sum(groups[0]?.done)]).toEqual([200, 199])
})

test('the backlog is that of the group, from the first message to the last', () => {
  const sample = { group: null, waiting: 3, inFlight: 2, scheduled: 1, dead: 9, stored: 9 }
  const depth = [500, 1_100, 1_200, 9_000].map((ms, at) => ({
    ...sample,
    timeNs: BigInt(ms) * 1_000_000n,
    ...(at === 2 ? { waiting: 'unknown' as const } : {}),
  }))
  const { groups } = pictureDataOf({ ...pictured(200), ...withDepth(depth) })
  expect(groups[0]?.backlog).toEqual([{ ms: 100, messages: 6 }])
  function withDepth(samples: typeof depth) {
    return { evidence: { ...pictured(200).evidence, depth: samples } }
  }
})

test('lanes tell who lived when, who was killed, and what each did', () => {
  const { lanes, bands } = pictureDataOf(pictured(200))
  expect(lanes.all.map(({ role, actor, total }) => [role, actor, total])).toEqual([
    ['worker', 0, 199],
    ['worker', 1, 1],
  ])
  const [, killed] = lanes.all
  expect(killed?.deathsMs).toEqual([56])
  expect(killed?.spans).toMatchObject([
    { state: 'alive', fromMs: -100, toMs: 56 },
    { state: 'alive', fromMs: 550 },
  ])
  expect(bands).toEqual([{ what: 'kill worker 1', fromMs: 56, toMs: 550 }])
})

test('a stop, a cut and a drain interrupt a life', () => {
  const history: History = {
    ...bare,
    ledgers: { 'producer 0.0': published(0, 1_000), 'worker 0.0': done(0, 3_000) },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 0.0', 'STOP', 1_100],
      ['worker 0.0', 'CONT', 1_200],
      ['worker 0.0', 'NET_ON', 1_300],
      ['worker 0.0', 'NET_OFF', 1_400],
      ['worker 0.0', 'LEAVE', 1_500, 1_600],
    ],
  }
  const { lanes } = pictureDataOf(exampleResult({ history }))
  expect(lanes.all[0]?.spans).toEqual([
    { state: 'alive', fromMs: -100, toMs: 600 },
    { state: 'stopped', fromMs: 100, toMs: 200 },
    { state: 'cut off', fromMs: 300, toMs: 400 },
    { state: 'draining', fromMs: 500, toMs: 600 },
  ])
  expect(lanes.all[0]?.deathsMs).toEqual([])
})

test('the worst messages come first, with their records', () => {
  const { messages } = pictureDataOf(pictured(200))
  expect(messages.total).toBe(2)
  const [lost, repeated] = messages.first
  expect(lost?.id).toBe('r1-p00-i00-s0000003')
  expect(lost?.lines.map(({ who, what }) => [who, what])).toEqual([
    ['p00.0', 'INVOKE'],
    ['p00.0', 'OK'],
    ['w01.0', 'RECV'],
    ['w01.0', 'KILL'],
  ])
  expect(repeated?.fates).toContain('done again')
})

test('what was handed out twice and done once comes after what was done twice', () => {
  const ledgers = {
    'producer 0.0': [0, 1, 2, 3].flatMap((one) => published(one, 1_000 + 10 * one)),
    'worker 0.0': [
      ...done(0, 1_004),
      ['recv', 1, 1_014] as const,
      ['throw', 1, 1_015] as const,
      ...done(1, 1_018, 2),
      ...done(3, 1_034),
      ...done(3, 1_044, 2),
    ],
    'deadReader 0.0': [['dead', 2, 2_000] as const],
  }
  const { messages } = pictureDataOf(exampleResult({ history: { ledgers } }))
  expect(messages.first.map(({ id }) => id.at(-1))).toEqual(['3', '1', '2'])
})

test('a run of nothing has pictures too', () => {
  const data = pictureDataOf(exampleResult({ history: bare }))
  expect(data.messages).toEqual({ first: [], total: 0 })
  expect(data.toMs).toBeGreaterThan(data.fromMs)
})
