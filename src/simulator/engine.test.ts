import { expect, test } from 'vitest'
import { NarrowcastError } from '../core/errors.ts'
import { playGames } from './engine.ts'
import { loadHeroes } from './roster.ts'

const heroes = loadHeroes()

test('the same seed gives the same games, another seed others', () => {
  const played = (seed: number) => [...playGames({ seed, heroes, games: 200 })]
  expect(played(7)).toEqual(played(7))
  expect(played(8)).not.toEqual(played(7))
})

test('a game goes on until one stands, and its damage adds up', () => {
  const sizes = new Set<number>()
  for (const { game_token, host, outcome, game } of playGames({ seed: 1, heroes, games: 2_000 })) {
    const { participants, hits, deaths } = game
    sizes.add(participants.length)
    expect(outcome).toBe('complete')
    expect(game_token).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    )
    expect(participants[0]?.user_token).toBe(host)
    expect(new Set(participants.map((one) => one.user_token)).size).toBe(participants.length)
    expect(new Set(participants.map((one) => one.superhero_id)).size).toBe(participants.length)
    expect(deaths.length).toBe(participants.length - 1)
    expect(hits.length).toBeGreaterThanOrEqual(3)
    expect(hits.length).toBeLessThanOrEqual(40)
    expect(hits.at(-1)?.enemy_token).toBe(deaths.at(-1))
    expect(Date.parse(game.ended_at)).toBeGreaterThan(Date.parse(game.started_at))
  }
  expect([...sizes].sort()).toEqual([2, 3])
})

test('game tokens are all different and rise', () => {
  const tokens = [...playGames({ seed: 1, heroes, games: 5_000 })].map((one) => one.game_token)
  expect(new Set(tokens).size).toBe(5_000)
  expect(tokens.map((token) => token.slice(0, 13)).toSorted()).toEqual(
    tokens.map((token) => token.slice(0, 13)),
  )
})

test('without a count it goes on as long as asked', () => {
  let count = 0
  for (const { game_token } of playGames({ seed: 1, heroes })) {
    if (game_token !== '') count++
    if (count === 50_000) break
  }
  expect(count).toBe(50_000)
})

test('too few players, heroes or sizes are refused', () => {
  const code = (play: () => unknown) => {
    try {
      play()
    } catch (error) {
      return error instanceof NarrowcastError ? error.message : error
    }
  }
  expect(code(() => playGames({ seed: 1, heroes, players: 2 }))).toMatch(/players .* got 2/)
  expect(code(() => playGames({ seed: 1, heroes: heroes.slice(0, 2) }))).toMatch(/heroes .* got 2/)
  expect(code(() => playGames({ seed: 1, heroes, sizes: [] }))).toMatch(/at least one size/)
})
