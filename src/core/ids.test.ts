import { expect, test } from 'vitest'
import { randomName, uuidMaker } from './ids.ts'

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test('an id is a UUID of version 7 that carries its millisecond', () => {
  const id = uuidMaker(() => 1_795_000_000_123)()
  expect(id).toMatch(form)
  expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(1_795_000_000_123)
})

test('ids rise and differ, also within one millisecond and when the clock steps back', () => {
  let now = 1_000_000
  const make = uuidMaker(() => now)
  const ids: string[] = []
  for (let n = 0; n < 20_000; n++) {
    if (n === 12_000) now -= 500
    ids.push(make())
  }
  expect(new Set(ids).size).toBe(ids.length)
  expect([...ids].sort()).toEqual(ids)
})

test('random names have the asked length', () => {
  expect(randomName()).toMatch(/^[a-z2-7]{8}$/)
  expect(randomName(12)).toHaveLength(12)
})

test('random names differ, also where one draw of the generator ends', () => {
  const names = Array.from({ length: 1_000 }, () => randomName(12))
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z2-7]{12}$/)
})
