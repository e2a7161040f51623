import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NarrowcastError } from '../../src/core/errors.ts'
import type { EncodedFile, Encoder } from '../../src/pipelines/encoders/encoder.ts'
import { lake } from '../../src/pipelines/lake/lake.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'
import type { PipelineEvents } from '../../src/pipelines/runEvents.ts'
import type { PipelineRun } from '../../src/pipelines/runPipeline.ts'
import { game, games, pipelineScene, settledOf, span, text } from './pipelineScene.ts'

const quick = { format: text, ageMsMax: 20 }

function heard<E extends keyof PipelineEvents>(run: PipelineRun, event: E): PipelineEvents[E][] {
  const all: PipelineEvents[E][] = []
  run.on(event, (what) => all.push(what))
  return all
}

/** Refuses rows of these games, as an encoder does that cannot write a cell. */
function picky(refused: readonly number[]): Encoder & { opened: number } {
  const encoder = {
    ...text,
    opened: 0,
    async open(path: string, table: Parameters<Encoder['open']>[1]): Promise<EncodedFile> {
      encoder.opened++
      const file = await text.open(path, table)
      return {
        async append(rows) {
          if (rows.some(({ n }) => refused.includes(Number(n)))) {
            await file[Symbol.asyncDispose]()
            throw new NarrowcastError('INVALID_MESSAGE', 'a cell that cannot be written')
          }
          await file.append(rows)
        },
        finish: (durability) => file.finish(durability),
        [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
      }
    },
  }
  return encoder
}

describe('a message that cannot land', () => {
  test('becomes one line in the same commit, byte for byte, and its neighbours land', async () => {
    await using scene = await pipelineScene()
    const bytes = scene.bus.queue('lobby', { codec: 'bytes' })
    const timeMs = Date.parse('2026-03-01T12:00:00Z')
    await scene.publish(game(1))
    await bytes.publish(new TextEncoder().encode('{"kind": "end",'), { id: 'torn', timeMs })
    await bytes.publish(new Uint8Array([0xff, 0x00]), { id: 'binary', timeMs })
    await scene.publish(game(2, { name: 7 }), { id: 'refused', key: 'k', headers: { a: 'b' } })
    await scene.publish(game(70_000), { id: 'range' })
    await scene.publish(game(3, { dead: 'no game in it' }), { id: 'said' })
    const run = await scene.run({ to: lake(scene.dir, quick) })
    const told = heard(run, 'dead')
    await settledOf(run, 6)
    const lines = await scene.deadLines()
    const byId = new Map(lines.map((line) => [line.id, line]))
    expect(byId.get('torn')).toMatchObject({
      pipeline: 'games',
      channel: 'lobby',
      attempts: 1,
      cause: 'invalid',
      raw: '{"kind": "end",',
    })
    expect(byId.get('binary')).toMatchObject({ raw: '/wA=', encoding: 'base64' })
    expect(byId.get('refused')).toMatchObject({
      schema: 'input',
      message: { key: 'k', headers: { a: 'b' } },
    })
    expect(byId.get('range')).toMatchObject({ schema: 'META', error: { path: 'n' } })
    expect(byId.get('said')).toMatchObject({
      cause: 'verdict',
      error: { message: 'no game in it' },
    })
    expect(lines).toHaveLength(5)
    const names = await scene.files('_dead')
    expect(names.some((name) => name.startsWith('_dead/games/date=2026-03-01/'))).toBe(true)
    expect((await scene.rows('META')).map(({ n }) => n)).toEqual([1])
    expect(told.map(({ id }) => id).sort()).toEqual(['binary', 'range', 'refused', 'said', 'torn'])
    expect(run.stats()).toMatchObject({ dead: 5, landed: 1, commits: 1 })
    expect(await scene.depth()).toEqual({ left: 0, dead: 0 })
    await run.drain()
    expect(await verify(scene.dir)).toMatchObject({ isClean: true, dead: 5 })
  })

  test('since transform throws is tried again, then dead; the attempts are exact', async () => {
    await using scene = await pipelineScene()
    await scene.publish(game(1, { fails: true }), { id: 'm1' })
    await scene.publish(game(2))
    const run = await scene.run({ to: lake(scene.dir, { ...quick, attempts: 3 }) })
    const retried = heard(run, 'retried')
    await settledOf(run, 4)
    expect(retried.map(({ id, error }) => [id, error.message])).toEqual([
      ['m1', 'transform broke'],
      ['m1', 'transform broke'],
    ])
    expect(await scene.deadLines()).toMatchObject([{ id: 'm1', attempts: 3, cause: 'failures' }])
    expect(await scene.rows('META')).toMatchObject([{ n: 2 }])
  })

  test('since its rows cannot be encoded is found by halving; the rest lands', async () => {
    await using scene = await pipelineScene()
    const format = picky([5, 17])
    for (const n of span(32)) await scene.publish(game(n), { id: `m${n}` })
    const run = await scene.run({ to: lake(scene.dir, { ...quick, format }) })
    await settledOf(run, 32)
    expect((await scene.deadLines()).map(({ id, schema }) => [id, schema])).toEqual([
      ['m5', 'META'],
      ['m17', 'META'],
    ])
    expect(await scene.rows('META')).toHaveLength(30)
    expect(await scene.rows('PODIUM')).toHaveLength(60)
    expect(format.opened).toBeLessThan(40)
    expect(await scene.files('_tmp')).toEqual([])
  })
})

describe("dead: 'channel'", () => {
  test('gives it to the broker after the commit; a redrive lands once, a second is known', async () => {
    await using scene = await pipelineScene()
    let isMended = false
    const pipeline = {
      ...games,
      transform: (data: unknown, context: Parameters<typeof games.transform>[1]) => {
        if (!isMended) context.dead('not yet')
        else games.transform(data, context)
      },
    }
    const lobby = { name: 'lobby', pattern: 'queue' } as const
    const redrive = async () => {
      const page = { cursor: null, limit: 10, newestFirst: false }
      const { items } = await scene.bus.admin.deadLetters(lobby, null, page)
      await scene.bus.admin.redrive(
        lobby,
        items.map(({ ref }) => ref),
        null,
      )
      return items
    }
    await scene.publish(game(1), { id: 'm1' })
    const to = lake(scene.dir, { ...quick, dead: 'channel' })
    const run = await scene.run({ to }, pipeline)
    await settledOf(run, 1)
    expect(await redrive()).toMatchObject([
      { message: { id: 'm1' }, letter: { cause: 'verdict', reason: 'Dead: not yet' } },
    ])
    await settledOf(run, 2)
    isMended = true
    await redrive()
    await settledOf(run, 3)
    expect(await scene.rows('META')).toMatchObject([{ n: 1, _id: 'm1' }])
    // The same message once more, as a producer or an impatient hand may send it.
    await scene.publish(game(1), { id: 'm1' })
    await settledOf(run, 4)
    expect(run.stats()).toMatchObject({ landed: 1, dead: 2, recognised: 1 })
    expect(await scene.rows('META')).toHaveLength(1)
    expect(await scene.depth()).toEqual({ left: 0, dead: 0 })
    expect(await scene.deadLines()).toEqual([])
  })
})

test('beyond deadBytesMax the run stops and says so; nothing is lost', async () => {
  await using scene = await pipelineScene()
  await scene.publish(game(1, { dead: 'x'.repeat(500) }))
  const run = await scene.run({ to: lake(scene.dir, { ...quick, deadBytesMax: 100 }) })
  await expect(run.closed).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining('deadBytesMax is 100'),
    hint: expect.stringContaining('raise deadBytesMax'),
  })
  expect(run.isReady).toBe(false)
  expect(await scene.depth()).toEqual({ left: 1, dead: 0 })
  expect(await scene.files('_dead')).toEqual([])
  const next = await scene.run({ to: lake(scene.dir, { ...quick, deadBytesMax: 10_000 }) })
  await settledOf(next, 1)
  expect(await scene.deadLines()).toHaveLength(1)
})

test('dead letters that somebody has taken away make room again, and are no damage', async () => {
  await using scene = await pipelineScene()
  const options = { ...quick, deadBytesMax: 2_500 }
  const letter = (n: number) => scene.publish(game(n, { dead: 'x'.repeat(500) }))
  await letter(1)
  const lands = async () => {
    const run = await scene.run({ to: lake(scene.dir, options) })
    await settledOf(run, 1)
    await run.drain()
  }
  await lands()
  await letter(2)
  const full = await scene.run({ to: lake(scene.dir, options) })
  await expect(full.closed).rejects.toMatchObject({ code: 'DISK_FULL' })
  const [name] = await scene.files('_dead')
  const aside = join(scene.dir, '..', 'aside.ndjson')
  await rename(join(scene.dir, name as string), aside)
  expect(await verify(scene.dir)).toMatchObject({ isClean: true, missing: [], taken: [name] })
  await lands()
  expect(await scene.deadLines()).toMatchObject([{ id: expect.any(String) }])
  expect(await verify(scene.dir)).toMatchObject({ isClean: true, dead: 2, taken: [name] })
  // What lies there counts, whatever was taken away before.
  await letter(3)
  const again = await scene.run({ to: lake(scene.dir, options) })
  await expect(again.closed).rejects.toMatchObject({ code: 'DISK_FULL' })
  await rename(aside, join(scene.dir, name as string))
  expect(await verify(scene.dir)).toMatchObject({ isClean: true, taken: [] })
})
