import { expect, test } from 'vitest'
import { seededRandom } from '../../../runtime/random.ts'
import { type Claimant, share } from './assignor.ts'

const claimant = (memberId: string, owned: readonly number[] = [], generation = 1): Claimant => ({
  ...{ memberId, channel: 'orders', owned, generation },
})
const shares = (all: readonly Claimant[], partitions: number) =>
  Object.fromEntries(share(all, partitions))

test('who is alone has all, and of several each as many', () => {
  expect(shares([claimant('a')], 3)).toEqual({ a: [0, 1, 2] })
  expect(shares([claimant('a'), claimant('b')], 4)).toEqual({ a: [0, 2], b: [1, 3] })
})

test('what has to move is given to nobody before its owner has put it down', () => {
  const first = shares([claimant('a', [0, 1, 2, 3]), claimant('b')], 4)
  expect(first).toEqual({ a: [0, 1], b: [] })
  expect(shares([claimant('a', [0, 1]), claimant('b')], 4)).toEqual({ a: [0, 1], b: [2, 3] })
})

test('of two who name one, the later is right', () => {
  const all = [claimant('a', [0, 1], 3), claimant('b', [1, 2], 4)]
  expect(shares(all, 3)).toEqual({ a: [0], b: [1, 2] })
})

test('a partition that is there no more is nobody`s', () => {
  expect(shares([claimant('a', [0, 1, 5])], 2)).toEqual({ a: [0, 1] })
})

test('members come and go: nobody shares a partition, all are read in two rounds, and few move', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed)
    const whole = (most: number) => Math.floor(random() * most)
    const partitions = 1 + whole(20)
    let owned = new Map<string, readonly number[]>()
    let generation = 0
    for (let step = 0; step < 12; step++) {
      const kept = [...owned].filter(() => random() > 0.3)
      const come = Array.from({ length: whole(3) }, (_, n) => [`m${step}-${n}`, []] as const)
      owned = new Map([...kept, ...come])
      if (owned.size === 0) continue
      for (let round = 0; round < 2; round++) {
        generation++
        const claims = [...owned].map(([id, own]) => claimant(id, own, generation))
        const given = share(claims, partitions)
        const all = [...given.values()].flat()
        expect(new Set(all).size, `seed ${seed}`).toBe(all.length)
        for (const [id, own] of given) {
          const others = [...owned].filter(([other]) => other !== id).flatMap(([, one]) => one)
          // Never what another one still has.
          expect(own.filter((one) => others.includes(one))).toEqual([])
        }
        owned = new Map(given)
      }
      const sizes = [...owned.values()].map(({ length }) => length)
      expect([...owned.values()].flat().length, `seed ${seed}`).toBe(partitions)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      const settled = share(
        [...owned].map(([id, own]) => claimant(id, own, generation)),
        partitions,
      )
      // When nobody comes or goes, nothing moves.
      const sorted = (all: ReadonlyMap<string, readonly number[]>) =>
        [...all].map(([id, own]) => [id, own.toSorted((a, b) => a - b)]).sort()
      expect(sorted(settled)).toEqual(sorted(owned))
    }
  }
})
