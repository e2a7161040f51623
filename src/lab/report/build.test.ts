import { describe, expect, test } from 'vitest'
import type { Entry, History } from '../checker/naive/smallHistory.ts'
import type { DepthSample } from '../evidence/evidence.ts'
import { notTold } from '../evidence/record.ts'
import { reportOf } from './build.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'

/** One every 100 ms from time zero on, accepted 1 ms later, done 3 ms after it was sent. */
function calm(count: number): History {
  const all = Array.from({ length: count }, (_, at) => at)
  const due = (at: number) => 1_000 + 100 * at
  return {
    ledgers: {
      'producer 0.0': all.flatMap((at): Entry[] => [
        ['invoke', at, due(at), { count: 1, position: BigInt(due(at)) * 1_000_000n }],
        ['ok', at, due(at) + 1, { count: notTold }],
      ]),
      'worker 0.0': all.flatMap((at): Entry[] => [
        ['recv', at, due(at) + 2, { count: 1 }],
        ['done', at, due(at) + 3],
      ]),
    },
    events: [['worker 0.0', 'SUBSCRIBED', 900]],
  }
}

/** The first of two is lost with the worker that had it in hand; the second is done. */
const oneLost: History = {
  ledgers: {
    ...calm(2).ledgers,
    'worker 0.0': [['recv', 0, 1_002]],
    'worker 1.0': [
      ['recv', 1, 1_102],
      ['done', 1, 1_103],
    ],
  },
  events: [
    ['worker 0.0', 'SUBSCRIBED', 900],
    ['worker 1.0', 'SUBSCRIBED', 900],
    ['worker 0.0', 'KILL', 1_010],
  ],
}
const kill = { kind: 'kill', target: 'worker 0', plannedMs: 10, endedMs: 510 } as const
const liveTerms = { delivery: 'at-most-once' } as const

test('what a run was stands beside what it came to', () => {
  const report = reportOf(exampleResult({ history: calm(3) }), exampleAbout)
  expect(report).toMatchObject({
    ...{ v: 1, type: 'lab.report', seed: 7, zeroNs: '1000000000', expected: null },
    runId: exampleAbout.runId,
    spec: { scenario: 'worker-kill', backend: 'redis-stream', pattern: 'queue', run: 'r1' },
    groups: [{ account: { acknowledged: 3, processed: 3 } }],
    ...{ broadcast: null, firsts: [], faults: [] },
    verdict: { status: 'KEPT', ofContract: null, upperBounds: [] },
  })
  expect(report.checks.map(({ id, group }) => [id, group])).toContainEqual(['lost', null])
})

test('times count from time zero', () => {
  const { ledgers } = calm(3)
  const history: History = {
    ledgers: { ...ledgers },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 0.0', 'STOP', 1_050],
      ['worker 0.0', 'CONT', 1_060],
    ],
  }
  const [group] = reportOf(exampleResult({ history }), exampleAbout).groups ?? []
  expect(group?.recovery).toMatchObject([{ fault: 'stop', fromMs: 50, toMs: 60 }])
  expect(group?.evenness.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
    [-100, 50],
    [60, 203],
  ])
  expect(group?.recovery[0]).not.toHaveProperty('fromNs')
})

describe('throughput', () => {
  const at = (ms: number, group: string | null, waiting: DepthSample['waiting']): DepthSample => ({
    ...{ timeNs: BigInt(ms) * 1_000_000n, group, waiting },
    ...{ inFlight: 1, scheduled: 2, dead: 7, stored: 9 },
  })

  test('is what was planned, what was sent in time, and what was done', () => {
    const { throughput, instrument } = reportOf(exampleResult({ history: calm(11) }), {
      ...exampleAbout,
      ceilingPerSecond: 20,
    })
    expect(throughput).toMatchObject({ offered: 10, achieved: 10, delivered: 10 })
    expect(instrument).toMatchObject({ isSaturated: false, isHarnessBound: false })
    const near = { ...exampleAbout, ceilingPerSecond: 19 }
    const bound = reportOf(exampleResult({ history: calm(11) }), near)
    expect(bound.instrument.isHarnessBound).toBe(true)
  })

  test('of a load that was sent late is less than planned', () => {
    const { 'producer 0.0': sent = [], ...others } = calm(10).ledgers ?? {}
    const late = sent.map(([type, at, ms, rest]): Entry => [type, at, ms + 500, rest ?? {}])
    const history = { ledgers: { ...others, 'producer 0.0': late } }
    const { throughput, instrument } = reportOf(exampleResult({ history }), exampleAbout)
    expect(throughput).toMatchObject({ offered: 10, achieved: 5 })
    expect(instrument.isSaturated).toBe(true)
  })

  test('of what was due at once is no rate', () => {
    const { throughput } = reportOf(exampleResult({ history: calm(1) }), exampleAbout)
    expect(throughput).toMatchObject({ offered: 0, achieved: 0, delivered: 0 })
  })

  test('by second: what came in, what came out, what was left in all groups', () => {
    const depth = [
      at(900, null, 50),
      at(1_100, null, 10),
      at(1_900, null, 20),
      at(1_950, 'b', 1),
      at(4_100, null, 'unknown'),
    ]
    const { throughput } = reportOf(exampleResult({ history: calm(12), depth }), exampleAbout)
    expect(throughput.series).toEqual([
      { second: 0, published: 10, done: 10, backlog: 27 },
      { second: 1, published: 2, done: 2, backlog: null },
      { second: 2, published: 0, done: 0, backlog: null },
      { second: 3, published: 0, done: 0, backlog: null },
    ])
  })
})

describe('a loss that the contract allows', () => {
  const example = {
    history: { ...oneLost, terms: liveTerms },
    planned: [{ kind: 'kill', target: 'busiest', atMs: 10, restartAfterMs: 500 }],
    faults: [{ ...kill, appliedMs: 10, inHand: 1 }],
  } as const

  test('is kept, with what that is worth', () => {
    const { verdict, firsts } = reportOf(exampleResult(example), exampleAbout)
    expect(verdict).toMatchObject({ status: 'KEPT', ofContract: null })
    expect(verdict.upperBounds).toEqual([{ fault: 'kill', episodes: 1, share: 0.95 }])
    expect(firsts).toEqual([])
  })

  test('is broken where at least once was asked, and the contract is not', () => {
    const asked = { ...exampleAbout, expected: 'at-least-once' } as const
    const { verdict, checks, firsts } = reportOf(exampleResult(example), asked)
    expect(verdict).toMatchObject({ status: 'BROKEN', ofContract: 'KEPT', upperBounds: [] })
    expect(verdict.reasons).toEqual([
      'accepted messages are lost only by retention; seen: 1 by worker-killed',
    ])
    expect(checks.filter(({ status }) => status === 'violated').map(({ id }) => id)).toEqual([
      'lost',
    ])
    expect(firsts.map(({ id, fates }) => [id, fates])).toEqual([['r1-p00-i00-s0000000', ['lost']]])
    expect(firsts[0]?.lines.at(-1)).toMatchObject({ atMs: 10, who: 'w00.0', what: 'KILL' })
  })

  test('asked for at least once, a run that has lost nothing is judged as ever', () => {
    const asked = { ...exampleAbout, expected: 'at-least-once' } as const
    const untested = { history: calm(2), planned: example.planned }
    const { verdict } = reportOf(exampleResult(untested), asked)
    expect(verdict).toMatchObject({ status: 'INCONCLUSIVE', ofContract: 'INCONCLUSIVE' })
    expect(verdict.reasons).toEqual(['no kill hit anything', expect.stringContaining('no bite')])
  })
})

test('what nothing explains comes before what a fault has done', () => {
  const all = Array.from({ length: 40 }, (_, at) => at)
  const history: History = {
    ledgers: {
      'producer 0.0': calm(41).ledgers?.['producer 0.0'] ?? [],
      'worker 0.0': all.map((at): Entry => ['recv', at, 1_002 + 100 * at]),
    },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 0.0', 'KILL', 5_090],
    ],
    terms: { mayLose: ['worker-killed'], inHandMax: 40, reclaimWithinMs: 0 },
  }
  const report = reportOf(exampleResult({ history }), exampleAbout)
  expect(report.groups?.[0]?.account.lost).toMatchObject({
    byCause: { 'worker-killed': 40 },
    unexplained: 1,
  })
  expect(report.firsts).toHaveLength(32)
  expect(report.firsts.slice(0, 2).map(({ id }) => id)).toEqual([
    'r1-p00-i00-s0000040',
    'r1-p00-i00-s0000000',
  ])
})

test('and what was settled for good before what was in hand at the same death', () => {
  const inHand = [0, 1, 2]
  const history: History = {
    ledgers: {
      'producer 0.0': calm(4).ledgers?.['producer 0.0'] ?? [],
      'worker 0.0': [
        ...inHand.map((at): Entry => ['recv', at, 1_400]),
        ['recv', 3, 1_400],
        ['done', 3, 1_401],
        ['settled', 3, 1_402],
      ],
      'worker 1.0': [...inHand, 3].flatMap((at): Entry[] => [
        ['recv', at, 1_600],
        ['done', at, 1_600],
      ]),
    },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 1.0', 'SUBSCRIBED', 900],
      ['worker 0.0', 'KILL', 1_500],
    ],
    terms: { mayRepeat: ['worker-killed'] },
  }
  const { groups, firsts } = reportOf(exampleResult({ history }), exampleAbout)
  expect(groups?.[0]?.account.redelivered).toMatchObject({
    byCause: { 'worker-killed': 3 },
    unexplained: 1,
  })
  expect(firsts.map(({ id }) => id.at(-1))).toEqual(['3', '0', '1', '2'])
})

describe('not tested', () => {
  test('stand in every report, with the faults that were not run', () => {
    const planned = [10, 20, 30].map(
      (atMs) => ({ kind: 'kill', target: 'busiest', atMs, restartAfterMs: 500 }) as const,
    )
    const result = exampleResult({
      ...{ history: calm(2), planned },
      faults: [
        { ...kill, appliedMs: 11, inHand: 0 },
        { ...kill, target: 'worker 1', appliedMs: 11, inHand: 2 },
        { ...kill, plannedMs: 20, appliedMs: 21, inHand: 0 },
      ],
    })
    const about = { ...exampleAbout, notRun: ['broker-stop (the broker is not ours)'] }
    const { notTested, upperBounds } = reportOf(result, about).verdict
    expect(notTested).toEqual([
      ...['power loss', 'several hosts', 'clock skew'],
      ...['broker-stop (the broker is not ours)', '2 of 3 kills'],
    ])
    // What hit nothing is no episode.
    expect(upperBounds).toEqual([{ fault: 'kill', episodes: 1, share: 0.95 }])
  })
})

describe('stronger than promised', () => {
  const stronger = (history: History, change = {}, inHand = 1) =>
    reportOf(
      exampleResult({ history, faults: [{ ...kill, appliedMs: 10, inHand }], ...change }),
      exampleAbout,
    ).verdict.stronger
  const again: Entry[] = [
    ['recv', 0, 1_500],
    ['done', 0, 1_501],
  ]

  test('is what a fault could have cost, and did not', () => {
    expect(stronger(calm(2))).toEqual([
      'nothing was lost',
      'nothing was delivered twice',
      'each key was done in order',
    ])
    expect(stronger({ ...calm(2), terms: { mayLose: [], mayRepeat: [] } })).toEqual([
      'each key was done in order',
    ])
    expect(stronger(calm(2), { order: 'key' })).not.toContain('each key was done in order')
    expect(stronger(calm(2), {}, 0)).toEqual(['each key was done in order'])
  })

  test('is nothing that a run did not keep', () => {
    expect(stronger(oneLost)).toEqual(['nothing was delivered twice'])
    const done = { ...calm(2).ledgers, 'worker 1.0': again }
    expect(stronger({ ledgers: done })).not.toContain('nothing was done twice')
    const delivered = { ...calm(2).ledgers, 'worker 1.0': again.slice(0, 1) }
    expect(stronger({ ledgers: delivered })).toContain('nothing was done twice')
  })
})

describe('a broadcast', () => {
  const history: History = {
    ledgers: {
      ...calm(4).ledgers,
      'worker 1.0': [
        ['recv', 0, 1_002],
        ['done', 0, 1_003],
        ['recv', 3, 1_302],
        ['recv', 3, 1_303],
      ],
    },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 1.0', 'SUBSCRIBED', 900],
      ['worker 1.0', 'NET_ON', 1_090],
      ['worker 1.0', 'NET_OFF', 1_150],
    ],
    terms: { ...liveTerms, pattern: 'broadcast' },
  }

  test('names what each subscriber missed or was given again', () => {
    const report = reportOf(exampleResult({ history }), exampleAbout)
    expect(report.groups).toBeNull()
    expect(report.broadcast?.subscribers).toMatchObject([
      { subscriber: 0, missed: { total: 0 }, extra: { total: 0 } },
      { subscriber: 1, missed: { total: 1, unexplained: 1 }, extra: { total: 1 } },
    ])
    expect(report.verdict.status).toBe('BROKEN')
    expect(report.firsts.map(({ id, fates }) => [id.at(-1), fates])).toEqual([
      ['2', ['not heard by all']],
      ['3', ['delivered again']],
    ])
  })

  test('that nobody hears is broken where at least once was asked', () => {
    const nobody: History = {
      ledgers: { 'producer 0.0': calm(2).ledgers?.['producer 0.0'] ?? [] },
      terms: history.terms ?? {},
    }
    expect(reportOf(exampleResult({ history: nobody }), exampleAbout).verdict.status).toBe('KEPT')
    const asked = { ...exampleAbout, expected: 'at-least-once' } as const
    const { verdict, firsts } = reportOf(exampleResult({ history: nobody }), asked)
    expect(verdict.reasons).toEqual(['somebody hears every acknowledged message; seen: 2 unheard'])
    expect(firsts.map(({ fates }) => fates)).toEqual([['heard by nobody'], ['heard by nobody']])
  })
})
