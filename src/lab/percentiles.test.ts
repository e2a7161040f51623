import fc from 'fast-check'
import { expect, it } from 'vitest'
import { percentilesOf, rankOf } from './percentiles.ts'

const seed = 20_262
const msUpTo = (count: number) => Array.from({ length: count }, (_, at) => (at + 1) * 1e6)
const never = (count: number) => new Array<number>(count).fill(Number.NaN)

it('takes the smallest time that so many did not exceed, in ms', () => {
  expect(percentilesOf(Float64Array.from(msUpTo(1_000).reverse()))).toEqual({
    ...{ count: 1_000, min: 1, p50: 500, p90: 900, p99: 990, p999: 999, max: 1_000 },
    unanswered: 0,
  })
  expect(percentilesOf(Float64Array.of(1_500))).toMatchObject({ min: 0.0015, p999: 0.0015 })
})

it('counts who was never answered as longer than all others', () => {
  expect(percentilesOf(Float64Array.from([...never(10), ...msUpTo(90)]))).toEqual({
    ...{ count: 100, min: 1, p50: 50, p90: 90, p99: null, p999: null, max: 90, unanswered: 10 },
  })
  expect(percentilesOf(Float64Array.from([...msUpTo(89), ...never(11)])).p90).toBeNull()
})

it('knows nothing of nobody', () => {
  const nothing = { min: null, p50: null, p90: null, p99: null, p999: null, max: null }
  expect(percentilesOf(new Float64Array())).toEqual({ count: 0, ...nothing, unanswered: 0 })
  const nobody = percentilesOf(Float64Array.from(never(3)))
  expect(nobody).toEqual({ count: 3, ...nothing, unanswered: 3 })
})

it('does not know a percentile exactly when more than the rest is unanswered', () => {
  fc.assert(
    fc.property(fc.nat(3_000), fc.nat(300), (answered, unanswered) => {
      const found = percentilesOf(Float64Array.from([...msUpTo(answered), ...never(unanswered)]))
      const total = answered + unanswered
      for (const [name, perMille] of [
        ['p50', 500],
        ['p90', 900],
        ['p99', 990],
        ['p999', 999],
      ] as const) {
        const isKnown = total > 0 && unanswered * 1_000 <= total * (1_000 - perMille)
        expect(found[name] !== null).toBe(isKnown)
        if (isKnown) expect(found[name]).toBe(Math.ceil((total * perMille) / 1_000))
      }
    }),
    { seed, numRuns: 500 },
  )
})

it('ranks as the fraction that was meant', () => {
  expect(rankOf(0.07, 100)).toBe(7) // 0.07 * 100 is more than 7
  expect(rankOf(0, 5)).toBe(1)
  expect(rankOf(1, 5)).toBe(5)
})
