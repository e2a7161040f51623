import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { percentilesOf } from '../percentiles.ts'
import { deliveryLatency, isSaturated, publishLatency } from './latency.ts'

const seed = 20_265
const never = Number.NaN

/** Of each message: intended, sent, ok, received, done, in ms; null: never. */
type Times = readonly (number | null)[]

function latencies(all: readonly Times[]) {
  const column = (at: number) => Float64Array.from(all, (times) => (times[at] ?? never) * 1e6)
  const load = { intendedNs: column(0), sentNs: column(1), okNs: column(2) }
  const group = { firstReceivedNs: column(3), firstDoneNs: column(4) }
  return { ...publishLatency(load), ...deliveryLatency(load, group) }
}

const first: Times = [0, 0, 0, 0, 0]

it('are from one moment to another', () => {
  const { response, service, scheduleDelay, endToEnd, done } = latencies([
    first,
    [100, 101, 103, 107, 115],
  ])
  expect([scheduleDelay.p50, service.p50, response.p50]).toEqual([1, 2, 3])
  expect([endToEnd.p50, done.p50]).toEqual([7, 15])
  expect(response).toMatchObject({ count: 1, min: 3, max: 3, unanswered: 0 })
})

it('count what was never answered, delivered or done', () => {
  const { response, service, scheduleDelay, endToEnd, done } = latencies([
    first,
    [100, 100, null, 101, null],
    [100, 100, 101, null, null],
    [100, 100, 102, null, null],
  ])
  expect([scheduleDelay, service, response].map(({ unanswered }) => unanswered)).toEqual([0, 1, 1])
  expect([endToEnd, done].map(({ unanswered }) => unanswered)).toEqual([2, 3])
  expect(response).toMatchObject({ count: 3, p50: 2, p90: null, max: 2 })
  expect(done).toMatchObject({ count: 3, p50: null, max: null })
})

it('leave out what nobody has published', () => {
  expect(latencies([first, [null, null, null, null, null], [9, 9, 9, 9, 9]]).done.count).toBe(1)
  expect(latencies([]).response.count).toBe(0)
  expect(latencies([[null, null, null, null, null]]).response.count).toBe(0)
})

describe('the warm-up', () => {
  const at = (ms: number): Times => [ms, ms, ms, ms, ms]

  it.for([
    ['a tenth of a short load', [0, 99, 100, 101, 1_000], 3],
    ['2 s of a long one', [0, 1_999, 2_000, 5_000, 60_000], 3],
    ['measured from the first that was to be sent', [70_000, 71_999, 72_000, 130_000], 2],
  ] as const)('is %s', ([_name, intended, measured]) => {
    const { response, done } = latencies(intended.map(at).reverse())
    expect([response.count, done.count]).toEqual([measured, measured])
  })
})

it('are those of the sorted differences', () => {
  const times = fc.tuple(fc.nat(9_000), fc.option(fc.nat(500), { freq: 9 }))
  fc.assert(
    fc.property(fc.array(times, { minLength: 1, maxLength: 100 }), (all) => {
      const { response } = latencies(
        all.map(([intended, took]) => [intended, intended, took === null ? null : intended + took]),
      )
      const intended = all.map(([ms]) => ms)
      const from = Math.min(...intended)
      const warm = from + Math.min(2_000, (Math.max(...intended) - from) / 10)
      const differences = all.flatMap(([ms, took]) => (ms < warm ? [] : [(took ?? never) * 1e6]))
      expect(response).toEqual(percentilesOf(Float64Array.from(differences)))
    }),
    { seed, numRuns: 500 },
  )
})

describe('saturated', () => {
  const delayed = (lateMs: number, count = 2) =>
    percentilesOf(Float64Array.from({ length: 100 }, (_, at) => (at < count ? lateMs * 1e6 : 0)))

  it.for([
    [1_000, 990, delayed(0), false],
    [1_000, 989, delayed(0), true],
    [1_000, 1_000, delayed(50), false],
    [1_000, 1_000, delayed(51), true],
    [1_000, 1_000, delayed(51, 1), false],
    [1_000, 1_000, percentilesOf(new Float64Array()), false],
  ] as const)('%i/s offered, %i/s achieved', ([offered, achieved, delay, isSo]) => {
    expect(isSaturated({ offered, achieved }, delay)).toBe(isSo)
  })
})
