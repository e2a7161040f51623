import { expect, test } from 'vitest'
import { spreadOf } from './spread.ts'

test.for([
  [[5], { min: 5, median: 5, max: 5 }],
  [[3, 1, 2], { min: 1, median: 2, max: 3 }],
  [[4, 1, 2, 3, 60, 5], { min: 1, median: 3.5, max: 60 }],
] as const)('the spread of %j is %j', ([values, spread]) => {
  expect(spreadOf(values)).toEqual(spread)
})

test.for([[[]], [[1, Number.NaN]]])('%j has no spread', ([values = []]) => {
  expect(() => spreadOf(values)).toThrow(RangeError)
})
