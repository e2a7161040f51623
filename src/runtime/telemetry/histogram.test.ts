import fc from 'fast-check'
import { expect, test } from 'vitest'
import { added, Histogram, nothingTimed, quantileMs, since } from './histogram.ts'

function of(times: readonly number[]) {
  const histogram = new Histogram()
  for (const ms of times) histogram.record(ms)
  return histogram.data
}

const time = fc.double({ min: 0.001, max: 3_600_000, noNaN: true })
const times = fc.array(time, { minLength: 1, maxLength: 200 })

test('a quantile is within 4.5 % of the exact one', () => {
  fc.assert(
    fc.property(times, fc.constantFrom(0.5, 0.95, 0.99, 1), (all, share) => {
      const sorted = [...all].sort((a, b) => a - b)
      const exact = sorted[Math.ceil(all.length * share) - 1] as number
      const told = quantileMs(of(all), share) as number
      expect(Math.abs(told - exact) / exact).toBeLessThan(0.045)
    }),
  )
})

test('adding two is timing all, and the difference gives the rest back', () => {
  fc.assert(
    fc.property(times, times, (a, b) => {
      const sum = added(of(a), of(b))
      expect(sum.buckets).toEqual(of([...a, ...b]).buckets)
      expect(sum.count).toBe(a.length + b.length)
      expect(since(of(a), sum).buckets).toEqual(of(b).buckets)
    }),
  )
})

test('zero, and what is beyond the ends, is counted all the same', () => {
  const data = of([0, -1, Number.NaN, 1e-9, 1e12, Number.POSITIVE_INFINITY])
  expect(data.count).toBe(6)
  expect(Number.isFinite(data.sum_ms)).toBe(true)
  expect(Object.values(data.buckets).reduce((sum, count) => sum + count, 0)).toBe(6)
})

test('nothing timed has no quantile', () => {
  expect(quantileMs(nothingTimed, 0.5)).toBeNull()
})
