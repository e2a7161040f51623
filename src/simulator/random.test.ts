import { expect, test } from 'vitest'
import { drawDifferent, randomFrom, shuffled, uuidAt } from './random.ts'

const numbers = (seed: string | number, count = 20) => {
  const random = randomFrom(seed)
  return Array.from({ length: count }, () => random.uint32())
}

test('a seed gives the same numbers again; near seeds give others', () => {
  expect(numbers(7)).toEqual(numbers('7'))
  expect(new Set([...numbers(7), ...numbers(8), ...numbers('77'), ...numbers('')]).size).toBe(80)
})

test('below stays below, and takes every value about as often', () => {
  const random = randomFrom(1)
  const counts = Array<number>(6).fill(0)
  for (let n = 0; n < 60_000; n++) {
    const value = random.below(6)
    counts[value] = (counts[value] as number) + 1
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
})

test('a UUIDv7 holds its time', () => {
  const id = uuidAt(1_767_225_600_123, randomFrom(1))
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(1_767_225_600_123)
})

test('drawn numbers differ; a shuffled copy holds the same items', () => {
  const random = randomFrom(3)
  for (let n = 0; n < 200; n++) {
    expect(new Set(drawDifferent(3, 3, random))).toEqual(new Set([0, 1, 2]))
  }
  const items = [1, 2, 3, 4, 5]
  expect(shuffled(items, random).toSorted()).toEqual(items)
})
