import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from './heap.ts'
import { Slots } from './slots.ts'

test('slots behave as a map that is read in the order of its keys', () => {
  const step = fc.tuple(fc.constantFrom('add', 'delete', 'first', 'last'), fc.nat(2_000))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const slots = new Slots<string>()
      const model = new Map<number, string>()
      const keys = () => [...model.keys()].sort((a, b) => a - b)
      for (const [what, key] of steps) {
        if (what === 'add' && !model.has(key)) {
          slots.add(key, `v${key}`)
          model.set(key, `v${key}`)
        } else if (what === 'delete') expect(slots.delete(key)).toBe(model.delete(key))
        else if (what === 'first') {
          const first = keys().find((one) => one >= key) ?? Number.POSITIVE_INFINITY
          expect(slots.firstKey(key)).toBe(first)
        } else expect(slots.lastKey(key)).toBe(keys().findLast((one) => one <= key) ?? -1)
        expect(slots.get(key)).toBe(model.get(key))
      }
      expect(slots.size).toBe(model.size)
      expect([...slots.values()]).toEqual(keys().map((key) => model.get(key)))
    }),
  )
})

test('one old value does not keep the memory of a million that went', () => {
  const slots = new Slots<number>()
  slots.add(0, 0)
  for (let key = 1; key < 1_000_000; key++) {
    slots.add(key, key)
    slots.delete(key)
  }
  expect(slots.size).toBe(1)
  expect(slots.firstKey(1)).toBe(Number.POSITIVE_INFINITY)
  expect(slots.firstKey()).toBe(0)
})

test('a heap gives its values in order, whatever is removed meanwhile', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(100)), fc.nat(20), (values, at) => {
      const heap = new Heap<number>((a, b) => a < b)
      for (const value of values) heap.push(value)
      const removed = values[at]
      if (removed !== undefined) heap.remove(removed)
      const rest = values.filter((value) => value !== removed).sort((a, b) => a - b)
      const popped: number[] = []
      while (heap.size > 0) popped.push(heap.pop() as number)
      expect(popped).toEqual(rest)
    }),
  )
})
