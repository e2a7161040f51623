import { expect, test } from 'vitest'
import { binAt, countsIn, roundStep, timeBins } from './timeBins.ts'

test('pieces are round, as many as asked at most, and hold both ends', () => {
  for (const [from, to, most, least] of [
    [0, 7_512, 240, 100],
    [0, 2_400, 240, 1],
    [-37, 900_001, 190, 1],
    [0, 1, 4, 1],
    [250, 250.5, 10, 1],
  ] as const) {
    const bins = timeBins(from, to, most, least)
    expect(bins.count).toBeLessThanOrEqual(most)
    expect(bins.binMs).toBeGreaterThanOrEqual(least)
    expect(bins.fromMs).toBeLessThanOrEqual(from)
    expect(bins.fromMs + bins.count * bins.binMs).toBeGreaterThan(to)
  }
  expect(timeBins(0, 7_512, 240, 1).binMs).toBe(50)
})

test('steps are 1, 2 or 5 of a decade', () => {
  expect([0.3, 1, 1.1, 20, 21, 501].map(roundStep)).toEqual([0.5, 1, 2, 20, 50, 1_000])
})

test('what is outside counts to the nearest piece, and what never was to none', () => {
  const bins = { fromMs: 0, binMs: 10, count: 3 }
  expect([-5, 0, 9.9, 10, 29, 400].map((ms) => binAt(bins, ms))).toEqual([0, 0, 0, 1, 2, 2])
  const times = Float64Array.of(1e6, Number.NaN, 12e6)
  expect([...countsIn(bins, 5, times)]).toEqual([1, 1, 0])
})
