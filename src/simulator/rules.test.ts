import { expect, test } from 'vitest'
import { randomFrom } from './random.ts'
import { loadHeroes } from './roster.ts'
import {
  attackOf,
  chooseEnemy,
  type Fight,
  type Fighter,
  fighterOf,
  forfeit,
  type Hit,
  healthOf,
  hit,
  isOver,
  rankOf,
  startFight,
  winnerOf,
} from './rules.ts'

const one = (token: string, health = 100, attack = 40): Fighter => ({
  token,
  id: 1,
  attack,
  health,
})
const made = (result: Hit | string): Hit => {
  if (typeof result === 'string') throw new Error(result)
  return result
}
const living = (fight: Fight) => fight.fighters.filter(({ health }) => health > 0)

test('health and attack are products; a stat of 0 counts as 1', () => {
  const hero = { id: 1, name: 'x', alignment: 'good' as const, durability: 4, power: 6, combat: 7 }
  expect(healthOf({ ...hero, intelligence: 2, strength: 3, speed: 5 })).toBe(2 * 3 * 4 * 10)
  expect(attackOf({ ...hero, intelligence: 2, strength: 3, speed: 5 })).toBe(5 * 6 * 7)
  expect(healthOf({ ...hero, intelligence: 0, strength: 0, speed: 0 })).toBe(4 * 10)
  expect(attackOf({ ...hero, intelligence: 0, strength: 0, speed: 0 })).toBe(6 * 7)
})

test('turn order is that of the sorted tokens, and rotates', () => {
  let fight = startFight([one('c'), one('a'), one('b')])
  const order: string[] = []
  for (let n = 0; n < 4; n++) {
    const { token } = fight.fighters[fight.turn] as Fighter
    order.push(token)
    fight = made(hit(fight, token, token === 'a' ? 'b' : 'a')).fight
  }
  expect(order).toEqual(['a', 'b', 'c', 'a'])
})

test('a hit takes the attack from the health, not below 0; the dead leave the turn order', () => {
  const start = startFight([one('a', 100, 70), one('b', 100, 70), one('c', 100, 70)])
  const first = made(hit(start, 'a', 'b'))
  expect(first).toMatchObject({ damage: 70, healthPrior: 100, healthPost: 30 })
  const second = made(hit(first.fight, 'b', 'c'))
  const third = made(hit(second.fight, 'c', 'b'))
  expect(third).toMatchObject({ damage: 30, healthPrior: 30, healthPost: 0 })
  expect(third.fight.deaths).toEqual(['b'])
  const fourth = made(hit(third.fight, 'a', 'c'))
  expect(fourth.fight.deaths).toEqual(['b', 'c'])
  expect(isOver(fourth.fight)).toBe(true)
  expect(winnerOf(fourth.fight)).toBe('a')
  expect(start.fighters.map(({ health }) => health)).toEqual([100, 100, 100])
})

test('a refused hit changes nothing', () => {
  const start = startFight([one('a', 100, 100), one('b'), one('c')])
  const before = structuredClone(start)
  expect(hit(start, 'b', 'a')).toBe('NOT YOUR TURN')
  expect(hit(start, 'stranger', 'a')).toBe('NOT YOUR TURN')
  expect(hit(start, 'a', 'stranger')).toBe('UNKNOWN ENEMY TOKEN')
  expect(hit(start, 'a', 'a')).toBe('ENEMY IS YOURSELF')
  expect(start).toEqual(before)
  const { fight } = made(hit(start, 'a', 'c'))
  expect(hit(fight, 'b', 'c')).toBe('ENEMY IS DEAD')
  expect(hit(fight, 'c', 'a')).toBe('NOT YOUR TURN')
  expect(hit(forfeit(fight, ['b']), 'a', 'b')).toBe('GAME IS OVER')
})

test('who leaves dies at once, and the turn passes on', () => {
  const start = startFight([one('a'), one('b'), one('c')])
  const fight = forfeit(start, ['a'])
  expect(fight.deaths).toEqual(['a'])
  expect((fight.fighters[fight.turn] as Fighter).token).toBe('b')
  expect(forfeit(fight, ['a', 'stranger'])).toBe(fight)
  const end = forfeit(fight, ['c'])
  expect(winnerOf(end)).toBe('b')
  expect(forfeit(end, ['b'])).toBe(end)
})

test('where all leave together nobody wins', () => {
  const fight = forfeit(startFight([one('b'), one('a')]), ['a', 'b'])
  expect(isOver(fight)).toBe(true)
  expect(winnerOf(fight)).toBeNull()
  expect(fight.deaths).toEqual(['a', 'b'])
})

test('rank: the first to fall gets the number of participants, the winner 1', () => {
  expect(['a', 'b', 'c'].map((token) => rankOf(3, ['b', 'a'], token))).toEqual([2, 3, 1])
  expect(['a', 'b'].map((token) => rankOf(2, ['a', 'b'], token))).toEqual([2, 1])
})

test('the tactic never picks the dead or oneself', () => {
  const random = randomFrom(1)
  const fighters = [one('a'), one('b', 0), one('c'), one('d')]
  const chosen = Array.from({ length: 50 }, () => chooseEnemy(fighters, 'a', random))
  expect(new Set(chosen)).toEqual(new Set(['c', 'd']))
  expect(chooseEnemy([one('a'), one('b', 0)], 'a', random)).toBeNull()
})

test('every pair of our heroes fights for 3 to 40 hits, whoever begins', () => {
  const heroes = loadHeroes()
  let shortest = Number.POSITIVE_INFINITY
  let longest = 0
  for (const first of heroes) {
    for (const second of heroes) {
      if (first === second) continue
      let fight = startFight([fighterOf('a', first), fighterOf('b', second)])
      let hits = 0
      for (; !isOver(fight); hits++) {
        const isFirst = fight.turn === 0
        fight = made(hit(fight, isFirst ? 'a' : 'b', isFirst ? 'b' : 'a')).fight
      }
      shortest = Math.min(shortest, hits)
      longest = Math.max(longest, hits)
    }
  }
  expect(shortest).toBeGreaterThanOrEqual(3)
  expect(longest).toBeLessThanOrEqual(40)
})

test('no tactic makes a game of three last longer than 40 hits', () => {
  // Each of the two who fall takes at most health / weakest attack hits, the winner one less.
  const heroes = loadHeroes()
  const weakest = Math.min(...heroes.map(attackOf))
  const most = Math.max(...heroes.map((hero) => Math.ceil(healthOf(hero) / weakest)))
  expect(3 * most - 1).toBeLessThanOrEqual(40)
  const [a, b, c] = heroes.slice(0, 3).map((hero, at) => fighterOf('abc'[at] as string, hero))
  expect(living(startFight([a, b, c] as Fighter[])).length).toBe(3)
})
