import fc from 'fast-check'
import { expect, test } from 'vitest'
import { comparePairs, hasDrifted, type Pair } from './pairs.ts'

const steady = [[100, 105, 98]]
const pairs = (...ratios: readonly number[]): Pair[] => ratios.map((a) => ({ a, b: 1 }))
const finding = (all: readonly Pair[]) => comparePairs(all, 'more', steady).finding

test.for([
  ['all six a tenth above', [1.1, 1.1, 1.1, 1.1, 1.1, 1.1], 'a is better'],
  ['all six a tenth below', [0.9, 0.9, 0.9, 0.9, 0.9, 0.9], 'b is better'],
  ['one of six on the other side', [2, 2, 2, 2, 2, 0.99], 'no difference shown'],
  ['one of six the same', [2, 2, 2, 2, 2, 1], 'no difference shown'],
  ['all above, by little', [1.04, 1.04, 1.04, 1.04, 1.04, 1.04], 'no difference shown'],
  ['all above, most by little', [1.01, 1.02, 1.02, 1.02, 9, 9], 'no difference shown'],
  ['five are too few', [2, 2, 2, 2, 2], 'no difference shown'],
  ['seven are more than enough', [2, 2, 2, 2, 2, 2, 2], 'a is better'],
] as const)('%s: %j shows: %s', ([, ratios, expected]) => {
  expect(finding(pairs(...ratios))).toBe(expected)
})

test('of times the lesser is the better', () => {
  expect(comparePairs(pairs(2, 2, 2, 2, 2, 2), 'less', steady).finding).toBe('b is better')
})

test('ratios, the one in the middle and the chance of it are told', () => {
  const { ratios, medianRatio, p } = comparePairs(pairs(1, 2, 4, 2, 2, 8), 'more', steady)
  expect(ratios.map((ratio) => Number(ratio.toFixed(9)))).toEqual([1, 2, 4, 2, 2, 8])
  expect(medianRatio).toBeCloseTo(2, 12)
  expect(p).toBe(0.03125)
})

test('a machine that changed meanwhile says nothing of the subjects', () => {
  const clear = pairs(2, 2, 2, 2, 2, 2)
  const { finding: found, medianRatio } = comparePairs(clear, 'more', [
    [100, 100],
    [100, 111],
  ])
  expect(found).toBe('inconclusive')
  expect(medianRatio).toBeCloseTo(2, 12)
})

test.for([
  [[100, 110], false],
  [[100, 111], true],
  [[111, 105, 100], true],
  [[100, 150, 100, 100, 70, 100, 100, 100, 100], false],
  [[100, 100, 100, 100, 100, 100, 111, 111, 100], true],
  [[100, 111, 111, 111, 100, 100, 100], true],
  [[5], false],
  [[], false],
] as const)('a control of %j has drifted: %s', ([control, isDrifted]) => {
  expect(hasDrifted(control)).toBe(isDrifted)
})

test.for([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%d has no ratio', (value) => {
  expect(() => comparePairs([{ a: value, b: 1 }], 'more', [])).toThrow(RangeError)
  expect(() => comparePairs([{ a: 1, b: value }], 'more', [])).toThrow(RangeError)
  expect(() => hasDrifted([1, value])).toThrow(RangeError)
})

test('without pairs there is nothing to compare', () => {
  expect(() => comparePairs([], 'more', [])).toThrow(RangeError)
})

const value = fc.double({ min: 0.5, max: 2, noNaN: true })
const somePairs = fc.array(fc.record({ a: value, b: value }), { minLength: 1, maxLength: 9 })

test('who changes places finds the opposite', () => {
  const opposite = { 'a is better': 'b is better', 'b is better': 'a is better' } as const
  fc.assert(
    fc.property(somePairs, (all) => {
      const mirrored = all.map(({ a, b }) => ({ a: b, b: a }))
      const [here, there] = [comparePairs(all, 'more', []), comparePairs(mirrored, 'more', [])]
      expect(there.finding).toBe({ ...opposite }[here.finding as 'a is better'] ?? here.finding)
      expect(here.medianRatio * there.medianRatio).toBeCloseTo(1, 9)
      expect(comparePairs(all, 'less', []).finding).toBe(there.finding)
    }),
  )
})

test('where there is no difference chance alone finds one as seldom as it says', () => {
  const sides = Array.from({ length: 2 ** 6 }, (_, way) =>
    pairs(...Array.from({ length: 6 }, (_, at) => ((way >> at) & 1 ? 1.5 : 1 / 1.5))),
  )
  const found = sides.filter((all) => finding(all) !== 'no difference shown')
  expect(found.length / sides.length).toBe(comparePairs(pairs(1, 1, 1, 1, 1, 1), 'more', []).p)
})
