import { expect, test } from 'vitest'
import { NarrowcastError } from '../core/errors.ts'
import { demoPlan, gamesOf, mixedPlan, type Plan } from './plan.ts'

const roundsOf = (plan: Plan) =>
  Array.from({ length: plan[0]?.length ?? 0 }, (_, round) => plan.map((sizes) => sizes[round]))
const count = (sizes: readonly unknown[], size: number) =>
  sizes.filter((one) => one === size).length

test('the demo: 10 players, 12 rounds, 30 duels and 20 games of three, 120 places', () => {
  const plan = demoPlan(7)
  expect(plan.map((sizes) => sizes.length)).toEqual(Array(10).fill(12))
  const rounds = roundsOf(plan)
  const kinds = rounds.map((sizes) => `${count(sizes, 2) / 2}+${count(sizes, 3) / 3}`)
  expect(kinds.filter((kind) => kind === '2+2').length).toBe(10)
  expect(kinds.filter((kind) => kind === '5+0').length).toBe(2)
  expect(count(plan.flat(), 2) / 2).toBe(30)
  expect(count(plan.flat(), 3) / 3).toBe(20)
  expect(gamesOf(plan)).toBe(50)
  expect(demoPlan(7)).toEqual(plan)
  expect(demoPlan(8)).not.toEqual(plan)
})

test('in each round of any plan every seat is filled', () => {
  for (let players = 2; players <= 17; players++) {
    for (const sizes of roundsOf(mixedPlan(players, 20, players))) {
      expect(sizes.length).toBe(players)
      expect(count(sizes, 2) % 2).toBe(0)
      expect(count(sizes, 3) % 3).toBe(0)
    }
  }
})

test('fewer than two players, or no round, is refused', () => {
  expect(() => mixedPlan(1, 1, 1)).toThrow(NarrowcastError)
  expect(() => mixedPlan(2, 0, 1)).toThrow(/rounds must be at least 1, got 0/)
})
