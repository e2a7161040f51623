import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Disk, type Durability, disk } from '../../src/pipelines/disk.ts'
import type { Encoder } from '../../src/pipelines/encoders/encoder.ts'
import { lake, lakeOn } from '../../src/pipelines/lake/lake.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'
import {
  game,
  games,
  type PipelineScene,
  pipelineScene,
  settledOf,
  span,
  text,
  whenEvent,
} from './pipelineScene.ts'

const quick = { format: text, ageMsMax: 20 }

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made by a test`), { code, errno: -5, syscall: 'test' })
}

/** A disk on which one deed fails as long as `isBroken` says so. */
function failing(deed: 'rename' | 'syncFolder', code: string) {
  const state = { isBroken: false }
  const of = (durability: Durability): Disk => {
    const real = disk(durability)
    const broken = async (...args: [string, string]) => {
      if (state.isBroken) throw systemError(code)
      await real[deed](...args)
    }
    return { ...real, [deed]: broken }
  }
  return { state, ground: { disk: of, busyMs: 10_000 } }
}

async function published(scene: PipelineScene, count: number): Promise<void> {
  for (const n of span(count)) await scene.publish(game(n), { id: `m${n}` })
}

/** A later worker finds all of it uncharged, and lands each message once. */
async function landsAllTheSame(scene: PipelineScene, count: number, recognised = 0): Promise<void> {
  const next = await scene.run({ to: lake(scene.dir, quick) })
  const charged: number[] = []
  next.on('delivered', (all) => charged.push(...all.map((one) => one.failures + one.crashes)))
  await settledOf(next, count)
  expect(charged.every((times) => times === 0)).toBe(true)
  expect(next.stats()).toMatchObject({ landed: count - recognised, recognised })
  expect((await scene.rows('META')).map(({ n }) => n)).toEqual(span(count))
  await next.drain()
  expect(await verify(scene.dir)).toMatchObject({ isClean: true, messages: count })
}

describe('trouble of our own is never the message’s fault', () => {
  test('a full disk stops the run before the commit point', async () => {
    await using scene = await pipelineScene()
    await published(scene, 10)
    const full: Encoder = { ...text, open: () => Promise.reject(systemError('ENOSPC')) }
    const run = await scene.run({ to: lake(scene.dir, { ...quick, format: full }) })
    await expect(run.closed).rejects.toMatchObject({
      code: 'DISK_FULL',
      hint: expect.stringContaining('Make room'),
    })
    expect(run.isReady).toBe(false)
    expect(await scene.depth()).toEqual({ left: 10, dead: 0 })
    await landsAllTheSame(scene, 10)
  })

  test('EIO when a folder is synced stops it before the commit point', async () => {
    await using scene = await pipelineScene()
    await published(scene, 10)
    const { state, ground } = failing('syncFolder', 'EIO')
    const run = await scene.run({
      to: lakeOn(ground, scene.dir, quick),
      onStep: (step) => {
        state.isBroken ||= step === 'staged'
      },
    })
    await expect(run.closed).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    expect(await scene.files('_tmp')).toEqual([])
    expect(await scene.depth()).toEqual({ left: 10, dead: 0 })
    await landsAllTheSame(scene, 10)
  })

  test('EIO at a rename, after the commit point: the next worker brings it into place', async () => {
    await using scene = await pipelineScene()
    await published(scene, 10)
    const { state, ground } = failing('rename', 'EIO')
    const run = await scene.run({
      to: lakeOn(ground, scene.dir, quick),
      onStep: (step) => {
        state.isBroken ||= step === 'committed'
      },
    })
    await expect(run.closed).rejects.toMatchObject({ code: 'STORE_UNUSABLE' })
    expect(await scene.files('META')).toEqual([])
    expect(await verify(scene.dir)).toMatchObject({ isClean: false, missing: [] })
    expect((await verify(scene.dir)).unpublished).toHaveLength(2)
    await landsAllTheSame(scene, 10, 10)
  })

  test('a mistake of the pipeline stops it, and gives all of it back', async () => {
    await using scene = await pipelineScene()
    await published(scene, 3)
    const run = await scene.run(
      { to: lake(scene.dir, quick) },
      {
        name: 'games',
        channel: { name: 'lobby', pattern: 'queue' },
        match: null,
        input: null,
        tables: [],
        load: null,
        loadMsMax: 1,
        transform: async () => undefined,
      },
    )
    await expect(run.closed).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await landsAllTheSame(scene, 3)
  })

  test('a mistake that many messages meet at once stops it once, and nothing goes unheard', async () => {
    await using scene = await pipelineScene()
    await published(scene, 40)
    const unheard: unknown[] = []
    const hear = (reason: unknown) => unheard.push(reason)
    process.on('unhandledRejection', hear)
    onTestFinished(() => {
      process.off('unhandledRejection', hear)
    })
    const validate = async (value: unknown) => {
      await new Promise(setImmediate)
      return { value }
    }
    const run = await scene.run(
      { to: lake(scene.dir, quick) },
      {
        ...games,
        match: null,
        input: { '~standard': { version: 1, vendor: 'test', validate } },
        transform: async () => undefined,
      },
    )
    await expect(run.closed).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await new Promise(setImmediate)
    expect(unheard).toEqual([])
    await landsAllTheSame(scene, 40)
  })

  test('a manifest that another process keeps locked is waited for, and told', async () => {
    await using scene = await pipelineScene()
    const run = await scene.run({ to: lakeOn({ disk, busyMs: 50 }, scene.dir, quick) })
    await scene.run({ to: lake(scene.dir, quick), name: 'other' })
    const db = new DatabaseSync(join(scene.dir, '_manifest.sqlite'))
    const told: string[] = []
    run.on('error', ({ error }) => told.push(`${error.code} ${error.message}`))
    db.exec('BEGIN IMMEDIATE')
    await published(scene, 4)
    await whenEvent(run, 'error', () => told.length > 0)
    expect(told[0]).toMatch(
      /^BUSY .*locked by another process.*; others here: other-\w+ \(pid \d+, runs\)/,
    )
    db.exec('ROLLBACK')
    db.close()
    await expect.poll(scene.depth, { timeout: 30_000 }).toEqual({ left: 0, dead: 0 })
    expect(await scene.rows('META')).toHaveLength(4)
  })
})

describe('a lake that was damaged', () => {
  async function landed(scene: PipelineScene): Promise<void> {
    await published(scene, 5)
    const run = await scene.run({ to: lake(scene.dir, quick) })
    await settledOf(run, 5)
    await run.drain()
    await scene.publish(game(5), { id: 'm5' })
  }
  const bytesOf = async (scene: PipelineScene) =>
    Promise.all((await scene.files('META')).map((name) => readFile(join(scene.dir, name), 'utf8')))

  test.for([
    [
      '_manifest.sqlite',
      'broken by hand, and long enough to be read as a database',
      'STORE_UNUSABLE',
      'damaged',
    ],
    ['_manifest.sqlite', null, 'LAKE_DAMAGED', 'is gone'],
    ['_lake.json', '{"format":2}', 'STORE_UNUSABLE', 'expected format 1, found 2'],
    ['_lake.json', 'x', 'STORE_UNUSABLE', 'expected format 1, found "x"'],
  ] as const)('%s = %j: %s, and nothing is lost', async ([name, content, code, said]) => {
    await using scene = await pipelineScene()
    await landed(scene)
    const before = await bytesOf(scene)
    const path = join(scene.dir, name)
    if (content === null) await rm(path)
    else await writeFile(path, content)
    await expect(scene.run({ to: lake(scene.dir, quick) })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(said),
      hint: expect.any(String),
    })
    expect(await bytesOf(scene)).toEqual(before)
    expect(await scene.depth()).toEqual({ left: 1, dead: 0 })
  })

  test.for([
    ['its files', game(5), /META\/date=.*\/part-.* is there/],
    ['its dead letters', game(5, { dead: 'said' }), /_dead\/games\/date=.*\.ndjson is there/],
  ] as const)('without manifest and _lake.json, but with %s, is refused', async (sent) => {
    const [, data, said] = sent
    await using scene = await pipelineScene()
    await scene.publish(data)
    const run = await scene.run({ to: lake(scene.dir, quick) })
    await settledOf(run, 1)
    await run.drain()
    for (const name of ['_lake.json', '_manifest.sqlite']) await rm(join(scene.dir, name))
    const start = scene.run({ to: lake(scene.dir, quick) })
    await expect(start).rejects.toMatchObject({
      code: 'LAKE_DAMAGED',
      message: expect.stringMatching(said),
    })
    expect(await scene.files()).toHaveLength('dead' in data ? 1 : 2)
  })

  test('without manifest, beside files of others, is begun', async () => {
    await using scene = await pipelineScene()
    const mine = join(scene.dir, 'mine/date=2026-01-01')
    await mkdir(mine, { recursive: true })
    await writeFile(join(mine, 'x.parquet'), '')
    await published(scene, 1)
    await settledOf(await scene.run({ to: lake(scene.dir, quick) }), 1)
    expect(await scene.rows('META')).toHaveLength(1)
  })

  test('a committed file that is nowhere stops the start, and nothing is settled', async () => {
    await using scene = await pipelineScene()
    await published(scene, 3)
    const { state, ground } = failing('rename', 'EIO')
    const run = await scene.run({
      to: lakeOn(ground, scene.dir, quick),
      onStep: (step) => {
        state.isBroken ||= step === 'committed'
      },
    })
    await expect(run.closed).rejects.toThrow()
    for (const name of await scene.files('_tmp')) await rm(join(scene.dir, name))
    await expect(scene.run({ to: lake(scene.dir, quick) })).rejects.toMatchObject({
      code: 'LAKE_DAMAGED',
      message: expect.stringMatching(/a commit names .*META.*neither there nor at .*_tmp/),
    })
    expect(await scene.depth()).toEqual({ left: 3, dead: 0 })
  })

  test('verify names what is missing, what was changed, and what nobody wrote', async () => {
    await using scene = await pipelineScene()
    await landed(scene)
    const [file] = await scene.files('META')
    const [other] = await scene.files('PODIUM')
    const all = await readFile(join(scene.dir, other as string), 'utf8')
    await rm(join(scene.dir, file as string))
    await writeFile(join(scene.dir, other as string), all.split('\n').slice(1).join('\n'))
    await writeFile(join(scene.dir, 'META/mine.ndjson'), '')
    await writeFile(join(scene.dir, '_tmp/torn-x-0.inprogress'), 'PAR1torn')
    expect(await verify(scene.dir)).toMatchObject({
      isClean: false,
      missing: [file],
      changed: [{ path: other, what: '9 rows, the commit says 10' }],
      orphans: ['META/mine.ndjson', '_tmp/torn-x-0.inprogress'],
    })
  })

  test('a torn temporary file of a dead worker goes, one of nobody knows whom stays', async () => {
    await using scene = await pipelineScene()
    await landed(scene)
    const db = new DatabaseSync(join(scene.dir, '_manifest.sqlite'))
    db.exec("INSERT INTO expelled VALUES('deadone', 0, 1)")
    db.close()
    for (const owner of ['deadone', 'foreign']) {
      await writeFile(join(scene.dir, `_tmp/${owner}-c-0.inprogress`), 'PAR1torn')
    }
    await settledOf(await scene.run({ to: lake(scene.dir, quick) }), 1)
    expect(await scene.files('_tmp')).toEqual(['_tmp/foreign-c-0.inprogress'])
    expect(await scene.rows('META')).toHaveLength(6)
  })

  test('a name that is taken is never overwritten', async () => {
    await using scene = await pipelineScene()
    await published(scene, 1)
    const run = await scene.run({
      to: lake(scene.dir, quick),
      async onStep(step) {
        if (step !== 'committed') return
        const db = new DatabaseSync(join(scene.dir, '_manifest.sqlite'), { readOnly: true })
        const row = db.prepare("SELECT path FROM files WHERE tableName = 'META'").get()
        db.close()
        const path = join(scene.dir, String(row?.path))
        await disk('os').makeFolder(scene.dir, join(path, '..'))
        await writeFile(path, 'mine')
      },
    })
    await expect(run.closed).rejects.toMatchObject({ code: 'LAKE_DAMAGED' })
    const [file] = await scene.files('META')
    expect(await readFile(join(scene.dir, file as string), 'utf8')).toBe('mine')
    expect(await scene.depth()).toEqual({ left: 1, dead: 0 })
  })
})
