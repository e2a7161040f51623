import { expect, test } from 'vitest'
import { figure, inTurns, medianOf, quantileOf } from '../bench/harness.ts'

test('a figure holds its runs, the one in the middle, and the ratio to another', () => {
  const raw = figure('raw', 'rows/s', [40, 10, 20])
  const ours = figure('ours', 'rows/s', [10, 30], { against: raw, lost: 0 })
  expect(raw).toEqual({ what: 'raw', unit: 'rows/s', runs: [40, 10, 20], median: 20 })
  expect(ours.median).toBe(20)
  expect(ours.ratioTo).toEqual({ what: 'raw', ratio: 1 })
  expect(ours.lost).toBe(0)
})

test.for([[[]], [[1, Number.NaN]], [[Number.POSITIVE_INFINITY]]])(
  'runs that measured nothing are refused: %j',
  ([runs]) => {
    expect(() => figure('x', 'ms', runs as number[])).toThrow(/figure "x": expected/)
  },
)

test('the median and the quantiles look at values in order of size, not of text', () => {
  expect(medianOf([9, 100, 10])).toBe(10)
  expect(medianOf([1, 2])).toBe(1.5)
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)
  expect(quantileOf(hundred, 0.99)).toBe(100)
  expect(quantileOf(hundred, 0.5)).toBe(51)
})

test('the sides of a comparison take turns', async () => {
  const order: string[] = []
  const side = (name: string) => async (run: number) => order.push(`${name}${run}`)
  const runs = await inTurns(2, { a: side('a'), b: side('b') })
  expect(order).toEqual(['a0', 'b0', 'a1', 'b1'])
  expect(runs).toEqual({ a: [1, 3], b: [2, 4] })
})
