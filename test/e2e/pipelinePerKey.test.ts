import { hash } from 'node:crypto'
import { readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from 'vitest'
import { type Disk, type Durability, disk } from '../../src/pipelines/disk.ts'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { parquet } from '../../src/pipelines/encoders/parquet.ts'
import { thisProcess } from '../../src/pipelines/lake/owner.ts'
import { type PerKeyOptions, perKey, perKeyOn } from '../../src/pipelines/perKey/perKey.ts'
import type { PipelineEvents } from '../../src/pipelines/runEvents.ts'
import {
  game,
  games,
  type PipelineScene,
  pipelineScene,
  settledOf,
  span,
  text,
} from './pipelineScene.ts'

const byGame: PerKeyOptions = { key: 'n', format: text }

async function query(sql: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    connection.closeSync()
  }
}

async function landed(scene: PipelineScene, ...data: object[]): Promise<void> {
  for (const one of data) await scene.publish(one)
  const run = await scene.run({ to: perKey(scene.dir, byGame) })
  await settledOf(run, data.length)
  await run.drain()
}

describe('one file per key', () => {
  test('and table, named after it, read by DuckDB', async () => {
    await using scene = await pipelineScene()
    for (const n of span(12)) await scene.publish(game(n))
    const run = await scene.run({ to: perKey(scene.dir, { key: 'n' }) })
    await settledOf(run, 12)
    expect(await scene.files('META')).toEqual(
      span(12)
        .map((n) => `META/${n}.parquet`)
        .sort(),
    )
    expect(await scene.files('PODIUM')).toHaveLength(12)
    expect(await scene.files('_tmp')).toEqual([])
    expect(
      await query(`SELECT n, rank FROM read_parquet('${scene.dir}/PODIUM/7.parquet')`),
    ).toEqual([
      { n: 7, rank: 1 },
      { n: 7, rank: 2 },
    ])
    expect(run.stats()).toMatchObject({ landed: 12, files: 24, rows: { META: 12, PODIUM: 24 } })
    expect(await scene.depth()).toEqual({ left: 0, dead: 0 })
  })

  test.for([
    ['ndjson', text, text],
    ['parquet', parquet({ compression: 'zstd' }), parquet({ compression: 'gzip' })],
  ] as const)('that is there with the same rows, as %s, is recognised', async (how) => {
    const [ending, format, other] = how
    await using scene = await pipelineScene()
    await scene.publish(game(1))
    const first = await scene.run({ to: perKey(scene.dir, { key: 'n', format }) })
    await settledOf(first, 1)
    await first.drain()
    const path = join(scene.dir, `META/1.${ending}`)
    const before = await readFile(path)
    await scene.publish(game(1))
    const run = await scene.run({ to: perKey(scene.dir, { key: 'n', format: other }) })
    const told: PipelineEvents['recognised'][] = []
    run.on('recognised', (what) => told.push(what))
    await settledOf(run, 1)
    expect(run.stats()).toMatchObject({ landed: 0, recognised: 1, files: 0, commits: 0 })
    expect(told).toMatchObject([{ as: 'recognised' }])
    expect(await readFile(path)).toEqual(before)
  })

  test('that is there with other rows stays, and counts as a conflict', async () => {
    await using scene = await pipelineScene()
    await landed(scene, game(1))
    await scene.publish(game(1, { name: 'another' }), { id: 'm2' })
    const run = await scene.run({ to: perKey(scene.dir, byGame) })
    const told: PipelineEvents['recognised'][] = []
    run.on('recognised', (what) => told.push(what))
    await settledOf(run, 1)
    expect(told).toEqual([{ ids: ['m2'], as: 'conflict' }])
    expect(run.stats()).toMatchObject({ conflicts: 1, landed: 0 })
    expect(await scene.rows('META')).toEqual([{ n: 1, name: 'game' }])
    expect(await scene.depth()).toEqual({ left: 0, dead: 0 })
  })

  test('that is there, torn by a foreign hand, is not taken for ours', async () => {
    await using scene = await pipelineScene()
    await landed(scene, game(1))
    await writeFile(join(scene.dir, 'META/1.ndjson'), 'PAR1torn')
    await scene.publish(game(1))
    const run = await scene.run({ to: perKey(scene.dir, byGame) })
    await settledOf(run, 1)
    expect(run.stats()).toMatchObject({ conflicts: 1 })
  })

  test('of a message whose first table is there and whose second is not: landed', async () => {
    await using scene = await pipelineScene()
    const state = { links: 0 }
    const of = (durability: Durability): Disk => {
      const real = disk(durability)
      const link = async (from: string, to: string) => {
        // The first is the trial at the start, the second the first table.
        if (++state.links === 3) throw Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 })
        await real.link(from, to)
      }
      return { ...real, link }
    }
    await scene.publish(game(1))
    const run = await scene.run({ to: perKeyOn(of, scene.dir, byGame) })
    await expect(run.closed).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    expect(await scene.files()).toEqual(['META/1.ndjson'])
    expect(await scene.depth()).toEqual({ left: 1, dead: 0 })
    const next = await scene.run({ to: perKey(scene.dir, byGame) })
    await settledOf(next, 1)
    expect(next.stats()).toMatchObject({ landed: 1, files: 1 })
    expect(await scene.files()).toEqual(['META/1.ndjson', 'PODIUM/1.ndjson'])
  })

  test('is made once by several workers that get the same games', async () => {
    await using scene = await pipelineScene()
    const to = perKey(scene.dir, { ...byGame, holdMax: 8 })
    const runs = await Promise.all(span(3).map((n) => scene.run({ to, name: `w${n}` })))
    for (const n of span(90)) await scene.publish(game(n % 30))
    const sum = (what: 'landed' | 'recognised' | 'settled') =>
      runs.reduce((all, run) => all + run.stats()[what], 0)
    await expect.poll(() => sum('settled'), { timeout: 30_000 }).toBe(90)
    expect([sum('landed'), sum('recognised')]).toEqual([30, 60])
    expect(await scene.rows('META')).toHaveLength(30)
  })

  test('of a message that cannot land is none: it is a dead letter of the channel', async () => {
    await using scene = await pipelineScene()
    await scene.publish(game(1, { dead: 'no' }))
    await scene.publish(game(2))
    const run = await scene.run({ to: perKey(scene.dir, byGame) })
    await settledOf(run, 2)
    expect(await scene.depth()).toEqual({ left: 0, dead: 1 })
    expect(await scene.files()).toEqual(['META/2.ndjson', 'PODIUM/2.ndjson'])
    expect(run.stats()).toMatchObject({ dead: 1, landed: 1 })
  })

  test("exclusive: 'worker': every worker writes its own copy", async () => {
    await using scene = await pipelineScene()
    const to = perKey(scene.dir, { ...byGame, exclusive: 'worker' })
    for (const name of ['w1', 'w2']) {
      await scene.publish(game(1))
      const run = await scene.run({ to, name })
      await settledOf(run, 1)
      await run.drain()
    }
    const names = await scene.files('META')
    expect(names).toHaveLength(2)
    for (const name of names) expect(name).toMatch(/^META\/1_w[12]-[a-z2-7]{8}\.ndjson$/)
  })

  test('what a dead worker left half written goes at the next start', async () => {
    await using scene = await pipelineScene()
    await landed(scene, game(1))
    const mark = hash('sha256', thisProcess().boot, 'hex').slice(0, 12)
    const names = [`4194399.1.${mark}.gone-0.inprogress`, `1.1.elsewhere.other-0.inprogress`]
    for (const name of names) await writeFile(join(scene.dir, '_tmp', name), 'torn')
    await landed(scene, game(2))
    expect(await scene.files('_tmp')).toEqual([`_tmp/${names[1]}`])
  })

  test('what one of an earlier boot, or of another container, left goes after two days', async () => {
    await using scene = await pipelineScene()
    await landed(scene, game(1))
    for (const [name, ageMs] of [
      ['1.1.elsewhere.old-0.inprogress', 2 * 86_400_000 + 60_000],
      ['1.1.elsewhere.young-0.inprogress', 2 * 86_400_000 - 600_000],
      ['mine.txt', 9 * 86_400_000],
    ] as const) {
      const path = join(scene.dir, '_tmp', name)
      await writeFile(path, 'torn')
      await utimes(path, new Date(), new Date(Date.now() - ageMs))
    }
    await landed(scene, game(2))
    expect((await scene.files('_tmp')).sort()).toEqual([
      '_tmp/1.1.elsewhere.young-0.inprogress',
      '_tmp/mine.txt',
    ])
  })
})

describe("preset: 'py-superhero'", () => {
  test('is Parquet with gzip pages under the older names, where every column may be null', async () => {
    await using scene = await pipelineScene()
    await scene.publish(game(1))
    const to = perKey(scene.dir, { key: 'n', preset: 'py-superhero' })
    const run = await scene.run({ to, name: 'w1' })
    await settledOf(run, 1)
    const [file] = await scene.files('superhero/META')
    expect(file).toMatch(/^superhero\/META\/1_w1-[a-z2-7]{8}\.gz$/)
    const path = join(scene.dir, file as string)
    expect(await query(`SELECT * FROM read_parquet('${path}')`)).toEqual([{ n: 1, name: 'game' }])
    expect(
      await query(
        `SELECT repetition_type AS r FROM parquet_schema('${path}') WHERE type IS NOT NULL`,
      ),
    ).toEqual([{ r: 'OPTIONAL' }, { r: 'OPTIONAL' }])
    expect(
      await query(`SELECT DISTINCT compression AS c FROM parquet_metadata('${path}')`),
    ).toEqual([{ c: 'GZIP' }])
    const bytes = await readFile(path)
    expect(() => gunzipSync(bytes)).toThrow() // the ending is the older layout's, not the truth
  })

  test('with NDJSON is truly gzipped JSON; with honest names the ending says so', async () => {
    await using scene = await pipelineScene()
    const format = ndjson({ compression: 'gzip' })
    for (const names of ['preset', 'honest'] as const) {
      await scene.publish(game(1))
      const to = perKey(scene.dir, { key: 'n', preset: 'py-superhero', format, names })
      const run = await scene.run({ to, name: names })
      await settledOf(run, 1)
      await run.drain()
    }
    const [honest, preset] = await scene.files('superhero/META')
    expect(honest).toMatch(/_honest-\w+\.ndjson\.gz$/)
    expect(preset).toMatch(/_preset-\w+\.gz$/)
    const bytes = await readFile(join(scene.dir, preset as string))
    expect(JSON.parse(gunzipSync(bytes).toString())).toEqual({ n: 1, name: 'game' })
  })
})

describe('perKey refuses', () => {
  test.for([
    [{ key: '' }, /^option key: expected the name of a column/],
    [{ key: 'n', exclusive: 'all' }, /^option exclusive: expected 'key' or 'worker'/],
    [{ key: 'n', names: 'preset' }, /^option names: expected 'honest' without a preset/],
    [{ key: 'n', preset: 'py' }, /^option preset: expected 'py-superhero'/],
    [{ key: 'n', holdMax: 1 }, /^option holdMax: expected a whole number from 2/],
    [{ key: 'n', rowsMax: 1 }, /^perKey: unknown option rowsMax/],
  ] as const)('%j', ([options, said]) => {
    expect(() => perKey('x', options as never)).toThrow(said)
  })

  test('a key that a table does not have', async () => {
    await using scene = await pipelineScene()
    await expect(scene.run({ to: perKey(scene.dir, { key: 'rank' }) }, games)).rejects.toThrow(
      'perKey: files are named after "rank", and table META has no such column',
    )
  })
})
