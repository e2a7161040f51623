import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { definePipeline } from '../../src/pipelines/definePipeline.ts'
import { defineTable } from '../../src/pipelines/defineTable.ts'
import { parquet } from '../../src/pipelines/encoders/parquet.ts'
import { lake } from '../../src/pipelines/lake/lake.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'
import { messagesPipeline } from '../../src/pipelines/messagesPipeline.ts'
import type { Landed } from '../../src/pipelines/sink.ts'
import { game, games, pipelineScene, settledOf, span, text } from './pipelineScene.ts'

const quick = { format: text, ageMsMax: 20 }

describe('a lake', () => {
  test('holds each message as its rows, in one file per table, day and commit', async () => {
    await using scene = await pipelineScene()
    const run = await scene.run({ to: lake(scene.dir, quick) })
    const commits: Landed[] = []
    run.on('commit', (landed) => commits.push(landed))
    const days = ['2026-01-31T23:59:59.999Z', '2026-02-01T00:00:00Z']
    for (const n of span(20)) {
      await scene.publish(game(n), { id: `m${n}`, timeMs: Date.parse(days[n % 2] as string) })
    }
    await settledOf(run, 20)
    expect(await scene.rows('META')).toMatchObject(
      span(20).map((n) => ({
        n,
        name: 'game',
        _id: `m${n}`,
        _row: 0,
        _time: new Date(days[n % 2] as string).toISOString(),
      })),
    )
    expect(await scene.rows('PODIUM')).toHaveLength(40)
    const named = commits.flatMap(({ files }) => files.map(({ path }) => path)).sort()
    expect(await scene.files('META')).toEqual(named.filter((path) => path.startsWith('META')))
    for (const path of named) {
      expect(path).toMatch(
        /^(META|PODIUM)\/date=(2026-01-31|2026-02-01)\/part-[0-9a-f-]{36}\.ndjson$/,
      )
    }
    expect(commits.flatMap(({ ids }) => ids)).toHaveLength(20)
    expect(run.stats()).toMatchObject({ landed: 20, rows: { META: 20, PODIUM: 40 }, held: 0 })
    expect(await scene.depth()).toEqual({ left: 0, dead: 0 })
    await run.drain()
    expect(await verify(scene.dir)).toMatchObject({
      isClean: true,
      messages: 20,
      rows: { META: 20, PODIUM: 40 },
    })
  })

  test('in Parquet is read by DuckDB, marks included', async () => {
    await using scene = await pipelineScene()
    for (const n of span(5)) await scene.publish(game(n), { id: `m${n}` })
    const run = await scene.run({ to: lake(scene.dir, { format: parquet(), ageMsMax: 20 }) })
    await settledOf(run, 5)
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const reader = await connection.runAndReadAll(
      `SELECT n, name, _id, _row FROM read_parquet('${scene.dir}/META/**/*.parquet') ORDER BY n`,
    )
    expect(reader.getRowObjectsJson()).toEqual(
      span(5).map((n) => ({ n, name: 'game', _id: `m${n}`, _row: 0 })),
    )
    connection.closeSync()
  })

  test('without marks has the columns of the table alone', async () => {
    await using scene = await pipelineScene()
    await scene.publish(game(1))
    const run = await scene.run({ to: lake(scene.dir, { ...quick, marks: false }) })
    await settledOf(run, 1)
    expect(await scene.rows('META')).toEqual([{ n: 1, name: 'game' }])
  })

  test('takes what does not match as skipped, and settles it', async () => {
    await using scene = await pipelineScene()
    await scene.publish({ kind: 'join' })
    await scene.publish(game(1))
    const run = await scene.run({ to: lake(scene.dir, quick) })
    await settledOf(run, 2)
    expect(run.stats()).toMatchObject({ skipped: 1, landed: 1 })
    expect(await scene.depth()).toEqual({ left: 0, dead: 0 })
  })

  test('takes two messages of one id once, in one batch and in two', async () => {
    await using scene = await pipelineScene()
    for (const n of [1, 1, 2]) await scene.publish(game(n), { id: `m${n}` })
    const run = await scene.run({ to: lake(scene.dir, quick) })
    await settledOf(run, 3)
    await scene.publish(game(2), { id: 'm2' })
    await settledOf(run, 5) // the repeat inside the batch was released once
    expect((await scene.rows('META')).map(({ n }) => n)).toEqual([1, 2])
    expect(run.stats()).toMatchObject({ landed: 2, recognised: 2, released: 1 })
  })

  test('lets several workers share it: each message lands once', async () => {
    await using scene = await pipelineScene()
    const to = lake(scene.dir, { ...quick, holdMax: 20 })
    const runs = await Promise.all(span(3).map((n) => scene.run({ to, name: `w${n}` })))
    for (const n of span(300)) await scene.publish(game(n), { id: `m${n % 250}` })
    const landed = () => runs.reduce((sum, run) => sum + run.stats().landed, 0)
    await expect.poll(landed, { timeout: 30_000 }).toBe(250)
    await expect.poll(scene.depth, { timeout: 30_000 }).toEqual({ left: 0, dead: 0 })
    expect(await scene.rows('META')).toHaveLength(250)
    expect(await scene.rows('PODIUM')).toHaveLength(500)
  })

  test('knows a message by the pipeline’s name, whatever group brought it', async () => {
    await using scene = await pipelineScene()
    const events = scene.bus.stream('lobby-events')
    for (const n of span(4)) await events.publish(game(n))
    const stream = { ...games, channel: { name: 'lobby-events', pattern: 'stream' as const } }
    const to = lake(scene.dir, quick)
    await settledOf(await scene.run({ to }, stream), 4)
    const again = await scene.run({ to, group: 'again' }, stream)
    await settledOf(again, 4)
    expect(again.stats()).toMatchObject({ landed: 0, recognised: 4 })
    const other = await scene.run({ to, as: 'games-2' }, stream)
    await settledOf(other, 4)
    expect(other.stats()).toMatchObject({ landed: 4, recognised: 0 })
    expect(await scene.rows('META')).toHaveLength(8)
  })

  test('refuses another channel under the same name of a pipeline', async () => {
    await using scene = await pipelineScene()
    const to = lake(scene.dir, quick)
    await scene.run({ to })
    const other = { ...games, channel: { name: 'other', pattern: 'queue' as const } }
    await expect(scene.run({ to }, other)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  test('takes a channel without a pipeline: one row per message', async () => {
    await using scene = await pipelineScene()
    await scene.publish({ a: 1 }, { id: 'm1', key: 'k', headers: { h: '1' }, timeMs: 0 })
    const run = await scene.run({ to: lake(scene.dir, quick) }, messagesPipeline({ name: 'lobby' }))
    await settledOf(run, 1)
    const [row] = await scene.rows('messages')
    expect(row).toMatchObject({
      _id: 'm1',
      _time: '1970-01-01T00:00:00.000Z',
      key: 'k',
      headers: { h: '1' },
      data: { a: 1 },
    })
  })
})

describe('a batch lands', () => {
  test('when it has its rows, in as many commits as that takes', async () => {
    await using scene = await pipelineScene()
    for (const n of span(100)) await scene.publish(game(n))
    const run = await scene.run({ to: lake(scene.dir, { ...quick, rowsMax: 90 }) })
    await settledOf(run, 100)
    expect(run.stats().commits).toBeGreaterThanOrEqual(4) // 300 rows
    expect(await scene.rows('PODIUM')).toHaveLength(200)
  })

  test('when the run is drained, however young it is', async () => {
    await using scene = await pipelineScene()
    for (const n of span(10)) await scene.publish(game(n))
    const ending = new AbortController()
    const to = lake(scene.dir, { format: text, ageMsMax: 3_600_000 })
    const run = await scene.run({ to, signal: ending.signal })
    await expect.poll(() => run.stats().delivered).toBe(10)
    ending.abort()
    await run.closed
    expect(run.stats()).toMatchObject({ landed: 10, settled: 10, held: 0 })
    expect(run.isReady).toBe(false)
    expect(await scene.rows('META')).toHaveLength(10)
  })

  test('in several commits where it would open more than 1,024 files', async () => {
    await using scene = await pipelineScene()
    const day = 86_400_000
    for (const n of span(600)) await scene.publish(game(n), { timeMs: n * day })
    const run = await scene.run({
      to: lake(scene.dir, { ...quick, durability: 'os' }),
    })
    await settledOf(run, 600)
    expect(await scene.files('META')).toHaveLength(600)
    expect(run.stats()).toMatchObject({ commits: 2, files: 1_200 })
  })
})

describe('columns that', () => {
  test.for([
    [
      'gain an optional one stay in their folder',
      { n: z.int().max(65_535).min(0), name: z.string(), more: z.string().optional() },
      'META/date=',
    ],
    ['change a type go on in v=2', { n: z.string(), name: z.string() }, 'META/v=2/date='],
  ] as const)('%s', async ([, shape, folder]) => {
    await using scene = await pipelineScene()
    const to = lake(scene.dir, quick)
    await scene.publish(game(1))
    const first = await scene.run({ to })
    await settledOf(first, 1)
    await first.drain()
    const table = defineTable({ name: 'META', schema: z.object(shape) })
    const second = definePipeline({
      name: 'games',
      channel: { name: 'lobby' },
      tables: [table],
      transform: (_, { emit }) =>
        emit(table, { n: shape.n instanceof z.ZodString ? 'two' : 2, name: 'x' } as never),
    })
    await scene.publish(game(2))
    await settledOf(await scene.run({ to }, second), 1)
    const files = await scene.files('META')
    expect(files).toHaveLength(2)
    expect(files.filter((path) => path.startsWith(folder)).length).toBeGreaterThan(0)
    expect(files.some((path) => path.startsWith('META/v=2/'))).toBe(folder.includes('v=2'))
  })
})
