import { cpSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memory } from '../../drivers/memory/index.ts'
import { perKey } from '../../pipelines/perKey/perKey.ts'
import { runPipeline } from '../../pipelines/runPipeline.ts'
import { createBus } from '../../runtime/bus.ts'
import { playGames } from '../../simulator/engine.ts'
import { finishedRecords } from '../../simulator/records.ts'
import { loadHeroes } from '../../simulator/roster.ts'
import { games } from '../../simulator/tables.ts'
import type { PlayedGame } from './ledger.ts'
import { reread } from './reread.ts'

let dir = ''
let played: PlayedGame[] = []

/** Five games of the engine, written by the real pipeline. */
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'narrowcast-reread-'))
  const finished = [...playGames({ seed: 3, heroes: loadHeroes(), games: 5 })]
  played = finished.map(({ game_token: token, host, game }) => ({
    id: `${token}+${host}`,
    token,
    players: game.participants.map(({ user_token }) => user_token),
    hits: game.hits,
    finishedMs: 0,
    story: '',
  }))
  await using bus = await createBus(memory(), { channelDefaults: () => ({}) })
  const queue = bus.queue(games.channel.name)
  for (const record of finished.flatMap((one) => finishedRecords(one))) {
    await queue.publish(record, { id: record.mid })
  }
  const run = await runPipeline(games, bus, { to: perKey(dir, { key: 'game_token' }) })
  const settled = Promise.withResolvers<void>()
  run.on('settled', () => {
    if (run.stats().settled === played.length) settled.resolve()
  })
  if (run.stats().settled < played.length) await settled.promise
  await run.drain()
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

const file = (table: string, game: PlayedGame | undefined) =>
  join(dir, table, `${game?.token}.parquet`)

test('what was written is what was played', async () => {
  const rows = played.reduce((sum, { players }) => sum + players.length, 0)
  expect(await reread(dir, played)).toEqual({
    files: 10,
    rows: { GAME_META: rows, GAME_PODIUM: rows },
    rowsExpected: rows,
    games: 5,
    ...{ lost: [], duplicated: [], wrong: [], strange: [], unreadable: [] },
  })
})

test('a game with one table missing is lost', async () => {
  rmSync(file('GAME_PODIUM', played[2]))
  expect((await reread(dir, played)).lost).toEqual([played[2]])
})

test('a game written twice is duplicated', async () => {
  cpSync(file('GAME_META', played[1]), join(dir, 'GAME_META', 'again.parquet'))
  expect((await reread(dir, played)).duplicated).toEqual([played[1]])
})

test('rows that say something else are wrong', async () => {
  const changed = played.map((game, at) =>
    at === 0 ? { ...game, hits: game.hits.slice(1) } : game,
  )
  expect((await reread(dir, changed)).wrong).toEqual([changed[0]])
})

test('rows that nobody played are strange, and a torn file is named', async () => {
  truncateSync(file('GAME_META', played[4]), 30)
  const evidence = await reread(dir, played.slice(1))
  expect(evidence.strange).toEqual([played[0]?.token])
  expect(evidence.unreadable).toEqual([expect.stringContaining(`${played[4]?.token}.parquet`)])
  expect(evidence.lost).toEqual([played[4]])
  expect(readdirSync(dir)).toContain('GAME_META')
})
