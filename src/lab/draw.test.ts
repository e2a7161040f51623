import { expect, test } from 'vitest'
import { below, drawFrom } from './draw.ts'

test('the same number for the same seed, stream and n, in whatever order it is asked for', () => {
  const first = drawFrom(7, 'keys')
  const forwards = Array.from({ length: 100 }, (_, n) => first(n))
  const again = drawFrom(7, 'keys')
  const backwards = Array.from({ length: 100 }, (_, n) => again(99 - n)).reverse()
  expect(backwards).toEqual(forwards)
  expect(forwards.every((value) => value >= 0 && value < 1)).toBe(true)
})

test.for([
  ['another seed', 8, 'keys'],
  ['another stream', 7, 'kinds'],
  ['a stream that begins alike', 7, 'keys2'],
] as const)('other numbers for %s', ([_, seed, stream]) => {
  const ours = drawFrom(7, 'keys')
  const theirs = drawFrom(seed, stream)
  const alike = Array.from({ length: 1_000 }, (_, n) => ours(n) === theirs(n)).filter(Boolean)
  expect(alike).toEqual([])
})

test.for([0, 1, 2 ** 31, 2 ** 32 - 1])('as many of each, also for seed %i', (seed) => {
  const draw = below(drawFrom(seed, 'keys'), 16)
  const counts = new Array<number>(16).fill(0)
  for (let n = 0; n < 160_000; n++) counts[draw(n)] = (counts[draw(n)] ?? 0) + 1
  // Chi-square with 15 degrees of freedom: 44.3 is exceeded once in 10,000.
  const chi2 = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0)
  expect(chi2).toBeLessThan(44.3)
})
