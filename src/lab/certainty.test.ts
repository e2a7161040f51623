import fc from 'fast-check'
import { expect, it } from 'vitest'
import { medianCoverage, upperBound } from './certainty.ts'

it.for([
  [0, 1],
  [1, 0.95],
  [5, 0.45],
  [10, 0.26],
  [20, 0.14],
  [30, 0.095],
  [60, 0.049],
] as const)('%i episodes without a violation leave at most %d', ([episodes, most]) => {
  expect(upperBound(episodes)).toBeCloseTo(most, most < 0.1 ? 3 : 2)
  // As often as that, and all went well: one time in twenty.
  if (episodes > 0) expect((1 - upperBound(episodes)) ** episodes).toBeCloseTo(0.05, 12)
})

it.for([
  [1, 0],
  [2, 0.5],
  [3, 0.75],
  [5, 0.938],
  [6, 0.969],
  [7, 0.984],
] as const)('the median lies between least and most of %i runs with %d', ([runs, coverage]) => {
  expect(medianCoverage(runs)).toBeCloseTo(coverage, 3)
})

it('is the share of all ways to fall above or below a median that are not one-sided', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), (runs) => {
      const ways = Array.from({ length: 2 ** runs }, (_, way) => way)
      const around = ways.filter((way) => way !== 0 && way !== 2 ** runs - 1)
      expect(medianCoverage(runs)).toBeCloseTo(around.length / ways.length, 12)
    }),
  )
})
