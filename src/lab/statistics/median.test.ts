import fc from 'fast-check'
import { expect, test } from 'vitest'
import { median } from './median.ts'

test.for([
  [[3], 3],
  [[4, 1], 2.5],
  [[10, 9, 100], 10],
  [[5, 1, 2, 4], 3],
] as const)('the middle of %j is %d', ([values, middle]) => {
  expect(median(values)).toBe(middle)
})

test('nothing has no middle', () => {
  expect(median([])).toBeNaN()
})

test('as many lie below it as above it, in whatever order they come', () => {
  const numbers = fc.array(fc.integer(), { minLength: 1 })
  fc.assert(
    fc.property(numbers, (values) => {
      const middle = median(values)
      const below = values.filter((value) => value < middle).length
      const above = values.filter((value) => value > middle).length
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2)
      expect(median(values.toReversed())).toBe(middle)
    }),
  )
})
