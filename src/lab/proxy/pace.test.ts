import { expect, test } from 'vitest'
import { delayed, limited, sliced, unhindered } from './pace.ts'

test('without a rule all goes at once', () => {
  expect(unhindered.delayMs()).toBe(0)
  expect(unhindered.allow(1_000_000)).toEqual({ bytes: 1_000_000, waitMs: 0 })
})

test('slices are of the size asked for, and the last one is what is left', () => {
  const pace = sliced(7)
  expect([pace.allow(20).bytes, pace.allow(7).bytes, pace.allow(6).bytes]).toEqual([7, 7, 6])
})

test('delays lie between the shortest and the jitter on top, and are drawn from the seed', () => {
  const drawn = (seed: number, stream = 'up') => {
    const pace = delayed(10, 5, seed, stream)
    return Array.from({ length: 200 }, () => pace.delayMs())
  }
  const delays = drawn(1)
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(10)
  expect(Math.max(...delays)).toBeLessThan(15)
  expect(new Set(delays).size).toBeGreaterThan(190)
  expect(drawn(1)).toEqual(delays)
  expect(drawn(2)).not.toEqual(delays)
  expect(drawn(1, 'down')).not.toEqual(delays)
})

test('a rate holds over any stretch, however large the pieces that ask', () => {
  let now = 0
  const pace = limited(50_000, () => now) // 50 a millisecond
  let passed = 0
  while (now < 10_000) {
    const { bytes, waitMs } = pace.allow(65_536)
    passed += bytes
    now += Math.ceil(waitMs) || 1 // as timers and turns take
  }
  expect(passed).toBeGreaterThan(495_000)
  expect(passed).toBeLessThan(505_000)
})

test('what a rate left unused is not saved for longer than an instant', () => {
  let now = 0
  const pace = limited(50_000, () => now)
  now += 60_000
  expect(pace.allow(65_536)).toEqual({ bytes: 1_000, waitMs: 0 })
  expect(pace.allow(65_536).bytes).toBe(0)
})

test('small pieces and large ones get their turns beside each other', () => {
  let now = 0
  const pace = limited(1_000, () => now)
  const askers = [1, 65_536].map((bytes) => ({ bytes, passed: 0, nextMs: 0 }))
  for (; now < 10_000; now++) {
    for (const asker of askers.filter(({ nextMs }) => nextMs <= now)) {
      const { bytes, waitMs } = pace.allow(asker.bytes)
      asker.passed += bytes
      asker.nextMs = now + (bytes > 0 ? 2 : Math.ceil(waitMs))
    }
  }
  for (const { passed } of askers) expect(passed).toBeGreaterThan(100)
})

test('the slowest rate moves', () => {
  let now = 0
  const pace = limited(1, () => now)
  expect(pace.allow(10)).toEqual({ bytes: 1, waitMs: 0 })
  expect(pace.allow(9)).toEqual({ bytes: 0, waitMs: 0 })
  now += 1_000
  expect(pace.allow(9).bytes).toBe(1)
})
