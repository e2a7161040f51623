import fc from 'fast-check'
import { expect, test } from 'vitest'
import { turns } from './turns.ts'

const subjects = ['a', 'b', 'c', 'd', 'e']
const wish = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  repeats: fc.integer({ min: 0, max: 8 }),
  seed: fc.integer(),
})

test('two subjects go A B B A at first, then so or the other way round', () => {
  const seeds = Array.from({ length: 50 }, (_, seed) => turns(['A', 'B'], 4, seed).join(' '))
  expect(new Set(seeds)).toEqual(new Set(['A B B A A B B A', 'A B B A B A A B']))
})

test('every round has each subject once, and every second one goes backwards', () => {
  fc.assert(
    fc.property(wish, ({ count, repeats, seed }) => {
      const own = subjects.slice(0, count)
      const order = turns(own, repeats, seed)
      expect(order).toHaveLength(count * repeats)
      const rounds = Array.from({ length: repeats }, (_, at) =>
        order.slice(at * count, (at + 1) * count),
      )
      for (const [at, round] of rounds.entries()) {
        expect(round.toSorted()).toEqual(own)
        if (at % 2 === 1) expect(round).toEqual(rounds[at - 1]?.toReversed())
      }
    }),
  )
})

test('over an even count of repeats no subject comes earlier than another', () => {
  fc.assert(
    fc.property(wish, ({ count, repeats, seed }) => {
      const own = subjects.slice(0, count)
      const order = turns(own, 2 * repeats, seed)
      const places = own.map((name) =>
        order.reduce((sum, other, at) => sum + (other === name ? at : 0), 0),
      )
      expect(new Set(places).size).toBeLessThanOrEqual(1)
    }),
  )
})

test('the seed decides, and nothing else does', () => {
  expect(turns(subjects, 8, 7)).toEqual(turns(subjects, 8, 7))
  const blocks = (seed: number) =>
    [0, 1, 2, 3].map((block) => turns(subjects, 8, seed).slice(10 * block, 10 * block + 5))
  expect(blocks(7)[0]).toEqual(subjects)
  expect(new Set(blocks(7).map(String)).size).toBe(4)
  const drawn = Array.from({ length: 500 }, (_, seed) => blocks(seed)[1] as string[])
  expect(new Set(drawn.map(String)).size).toBeGreaterThan(100)
  for (const name of subjects) {
    expect(drawn.filter(([first]) => first === name).length).toBeGreaterThan(60)
  }
})
