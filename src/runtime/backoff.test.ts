import { expect, test } from 'vitest'
import { backoffMs } from './backoff.ts'
import { seededRandom } from './random.ts'

const backoff = { delayMsMin: 100, delayMsMax: 30_000 }

test('the ceiling doubles per failure up to the most', () => {
  const ceilings = [0, 1, 2, 8, 9, 100].map((failures) => backoffMs(failures, backoff, () => 1))
  expect(ceilings).toEqual([100, 200, 400, 25_600, 30_000, 30_000])
})

test('full jitter: anything from nothing to the ceiling', () => {
  const random = seededRandom(7)
  const pauses = Array.from({ length: 1_000 }, () => backoffMs(3, backoff, random))
  expect(Math.min(...pauses)).toBeLessThan(50)
  expect(Math.max(...pauses)).toBeGreaterThan(750)
  expect(Math.max(...pauses)).toBeLessThanOrEqual(800)
})

test('the same seed gives the same pauses', () => {
  const some = () => Array.from({ length: 5 }, seededRandom(42))
  expect(some()).toEqual(some())
})
