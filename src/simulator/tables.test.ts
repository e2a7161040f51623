import { expect, test } from 'vitest'
import type { Table } from '../pipelines/defineTable.ts'
import { playGames } from './engine.ts'
import { finishedRecords } from './records.ts'
import { loadHeroes } from './roster.ts'
import { GAME_META, GAME_PODIUM, games, podium } from './tables.ts'

const [a, b, c] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`) as [
  string,
  string,
  string,
]
const hit = (user_token: string, enemy_token: string, enemy_damage: number) => ({
  user_token,
  enemy_token,
  enemy_damage,
})
const players = [a, b, c].map((user_token, at) => ({ user_token, superhero_id: at + 1 }))

/** What the pipeline makes of a record: its rows by table, and why it is dead. */
async function transformed(record: unknown) {
  const checked = await games.input?.['~standard'].validate(record)
  if (!checked || checked.issues) throw new Error(JSON.stringify(checked))
  const rows: { table: string; row: unknown }[] = []
  const reasons: string[] = []
  games.transform(checked.value, {
    emit: (table: Table, row: unknown) => {
      expect(table.schema['~standard'].validate(row)).not.toHaveProperty('issues')
      rows.push({ table: table.name, row })
    },
    dead: (reason: string) => reasons.push(reason),
    loaded: undefined,
    message: {
      ...{ id: 'x', key: null, timeMs: 0, headers: {}, type: 't', source: 's', bytes: 0 },
    },
  })
  return { rows, reasons }
}

test('the podium: ranks, rounds and damage', () => {
  const hits = [hit(a, b, 40), hit(b, a, 30), hit(c, b, 60), hit(a, c, 80), hit(c, a, 70)]
  expect(podium({ participants: players, hits, deaths: [b, a] })).toEqual([
    { user_token: a, rounds: 2, rank: 2, damage_delivered: 120, damage_received: 100 },
    { user_token: b, rounds: 1, rank: 3, damage_delivered: 30, damage_received: 100 },
    { user_token: c, rounds: 2, rank: 1, damage_delivered: 130, damage_received: 80 },
  ])
})

test('a player who left without a hit is ranked too; of an abandoned game the last to fall is 1', () => {
  const ranks = (deaths: string[]) =>
    podium({ participants: players, hits: [], deaths }).map(({ rank }) => rank)
  expect(ranks([c, a])).toEqual([2, 1, 3])
  expect(ranks([a, b, c])).toEqual([3, 2, 1])
})

test('every game of the engine becomes rows that add up', async () => {
  for (const finished of playGames({ seed: 5, heroes: loadHeroes(), games: 300 })) {
    const [record, ...more] = finishedRecords(finished)
    expect(more).toEqual([])
    const { rows, reasons } = await transformed(JSON.parse(JSON.stringify(record)))
    const count = finished.game.participants.length
    expect(reasons).toEqual([])
    expect(rows.map(({ table }) => table)).toEqual([
      ...Array(count).fill(GAME_META.name),
      ...Array(count).fill(GAME_PODIUM.name),
    ])
    const placed = podium(finished.game)
    const total = (field: 'damage_delivered' | 'damage_received' | 'rounds') =>
      placed.reduce((sum, row) => sum + row[field], 0)
    expect(total('damage_delivered')).toBe(total('damage_received'))
    expect(total('rounds')).toBe(finished.game.hits.length)
    expect(placed.map(({ rank }) => rank).toSorted()).toEqual([1, 2, 3].slice(0, count))
  }
})

test("only the host's record counts; one without its game is dead with a reason", async () => {
  const task = { game_token: a, user_token: b }
  expect(await transformed({ task: { ...task, host: false } })).toEqual({ rows: [], reasons: [] })
  const bare = await transformed({ task: { ...task, host: true } })
  expect(bare).toEqual({ rows: [], reasons: ['the record carries no game'] })
  const foreign = await transformed({
    task: { ...task, game: { participants: players, hits: [], deaths: [a, b] } },
  })
  expect(foreign.rows.length).toBe(6)
})

test('finished: all gives one record per participant, and one set of rows', async () => {
  const [finished] = [...playGames({ seed: 5, heroes: loadHeroes(), games: 1, sizes: [3] })]
  if (!finished) throw new Error('no game')
  const records = finishedRecords(finished, 'all')
  expect(records.map(({ mid }) => mid)).toEqual(
    finished.game.participants.map((one) => `${finished.game_token}+${one.user_token}`),
  )
  let rows = 0
  for (const record of records) rows += (await transformed(record)).rows.length
  expect(rows).toBe(6)
})

test('a record of the wrong form is refused by the input schema', async () => {
  const validate = (record: unknown) => games.input?.['~standard'].validate(record)
  expect(await validate({ task: { game_token: 'x' } })).toHaveProperty('issues')
  expect(await validate({})).toHaveProperty('issues')
  const game = { participants: players.slice(0, 1), hits: [], deaths: [] }
  expect(await validate({ task: { game_token: a, game } })).toHaveProperty('issues')
})
