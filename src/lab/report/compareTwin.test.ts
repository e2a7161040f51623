import { expect, test } from 'vitest'
import type { History } from '../checker/naive/smallHistory.ts'
import type { TwinFigures } from '../twin/twinFigures.ts'
import { reportOf } from './build.ts'
import { type TwinRun, twinsOf, twinText } from './compareTwin.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'
import type { GroupReport, Report } from './types.ts'

const calm: History = {
  ledgers: {
    'producer 0.0': [
      ['invoke', 0, 1_000, { count: 1, position: 1_000_000_000n }],
      ['ok', 0, 1_001, { count: 1 }],
    ],
    'worker 0.0': [
      ['recv', 0, 1_009, { count: 1 }],
      ['done', 0, 1_010],
    ],
  },
  events: [['worker 0.0', 'SUBSCRIBED', 900]],
}
const base = reportOf(exampleResult({ history: calm }), exampleAbout)

function own(p99: number | null, delivered: number): Report {
  const [group] = base.groups as [GroupReport]
  const { endToEnd } = group.latency
  const latency = { ...group.latency, endToEnd: { ...endToEnd, p99 } }
  return {
    ...base,
    spec: { ...base.spec, scenario: 'calm', backend: 'file', profile: 'default' },
    groups: [{ ...group, latency }],
    throughput: { ...base.throughput, delivered },
    instrument: { ...base.instrument, isSaturated: false },
  }
}

function raw(p99Ms: number | null, perSecond: number, change: Partial<TwinFigures> = {}): TwinRun {
  const counts = { acknowledged: 1, lost: 0, repeated: 0 }
  const figures = { ...counts, p50Ms: p99Ms && p99Ms / 2, p99Ms, perSecond, ...change }
  return { scenario: 'calm', subject: 'file', figures }
}

test('six pairs that all point one way tell who is better, of each figure', () => {
  const six = [1, 2, 3, 4, 5, 6]
  const twins = twinsOf(
    six.map((n) => own(20 + n, 300 + n)),
    six.map((n) => raw(10 + n / 2, 100 + n / 3)),
  )
  expect(twins).toMatchObject([
    {
      ...{ scenario: 'calm', subject: 'file', runs: 6, p99Ms: { min: 10.5, max: 13 } },
      p99Ratio: { pairs: 6, medianRatio: expect.closeTo(2), finding: 'the raw client is better' },
      perSecondRatio: { medianRatio: expect.closeTo(3), finding: 'narrowcast is better' },
    },
  ])
  expect(twinText(twins)).toEqual([
    'calm on file, raw client, same settings: lost 0, repeated 0, end-to-end p50 5.9 ms, p99 12 ms, 101 a second',
    '  narrowcast to it: p99 2.00 times (6 pairs: the raw client is better, p = 0.031) and throughput 3.00 times (6 pairs: narrowcast is better, p = 0.031)',
  ])
})

test('fewer show nothing, and say so', () => {
  const twins = twinsOf([own(20, 300)], [raw(10, 300, { lost: 3, repeated: 2 })])
  expect(twinText(twins)).toEqual([
    expect.stringContaining('lost 3, repeated 2,'),
    '  narrowcast to it: p99 2.00 times (one pair: no difference shown) and throughput 1.00 times (one pair: no difference shown)',
  ])
})

test('what was saturated, or is of another backend, has no ratio', () => {
  const other = { ...raw(10, 300), subject: 'redis-list' }
  const [saturated, alone] = twinsOf([own(20, 300)], [raw(null, 300), other])
  expect(saturated).toMatchObject({ p99Ms: null, p99Ratio: null, perSecondRatio: { pairs: 1 } })
  expect(alone).toMatchObject({ subject: 'redis-list', p99Ratio: null, perSecondRatio: null })
  expect(twinText([saturated, alone].flatMap((one) => one ?? []))).toEqual([
    expect.stringContaining('repeated 0, saturated, 300 a second'),
    expect.stringContaining('p99 without a ratio and throughput 1.00 times'),
    expect.stringContaining('calm on redis-list'),
    '  narrowcast to it: p99 without a ratio and throughput without a ratio',
  ])
})

test('of a broadcast it is the time until the answer', () => {
  const broadcast = { ...raw(10, 300), subject: 'redis-pubsub broadcast' }
  expect(twinText(twinsOf([], [broadcast]))[0]).toContain('answered p50 5 ms, p99 10 ms')
})
