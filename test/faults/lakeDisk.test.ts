import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { memory } from '../../src/drivers/memory/index.ts'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { lake } from '../../src/pipelines/lake/lake.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'
import { messagesPipeline } from '../../src/pipelines/messagesPipeline.ts'
import { runPipeline } from '../../src/pipelines/runPipeline.ts'
import { createBus } from '../../src/runtime/bus.ts'

const text = ndjson({ compression: 'none' })
const pipeline = messagesPipeline({ name: 'lobby' })
const mounts: string[] = []
let root = ''

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'narrowcast-disk-'))
})
afterEach(async () => {
  for (const folder of mounts.splice(0)) spawnSync('umount', ['-l', folder])
  await rm(root, { recursive: true, force: true })
})

/** A file system of its own on this folder; false where this machine does not allow it. */
async function mounted(folder: string, options: string): Promise<string | null> {
  await mkdir(folder, { recursive: true })
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], {
    encoding: 'utf8',
  })
  if (done.status !== 0) return done.stderr || String(done.error?.message)
  mounts.push(folder)
  return null
}

async function filledBus(count: number, size: number) {
  const bus = await createBus(memory())
  const lobby = bus.queue('lobby')
  for (let n = 0; n < count; n++) {
    await lobby.publish({ n, noise: 'x'.repeat(size) }, { id: `m${n}` })
  }
  return bus
}

async function depthOf(bus: Awaited<ReturnType<typeof filledBus>>) {
  const [depth] = await bus.admin.depths([{ name: 'lobby', pattern: 'queue' }])
  return { left: Number(depth?.waiting) + Number(depth?.inFlight), dead: depth?.dead }
}

test('a disk that runs full stops the run; with room it lands all of it', async ({ skip }) => {
  const why = await mounted(root, 'size=1m')
  if (why !== null) skip(`no small file system could be mounted: ${why}`)
  await using bus = await filledBus(40, 40_000)
  const dir = join(root, 'lake')
  const options = { format: text, ageMsMax: 20, bytesMax: 200_000 }
  const run = await runPipeline(pipeline, bus, { to: lake(dir, options) })
  await expect(run.closed).rejects.toMatchObject({ code: 'DISK_FULL' })
  const landed = run.stats().landed
  expect(landed).toBeLessThan(40)
  expect(await depthOf(bus)).toEqual({ left: 40 - landed, dead: 0 })
  spawnSync('mount', ['-o', 'remount,size=64m', root])
  const next = await runPipeline(pipeline, bus, { to: lake(dir, options) })
  await expect.poll(() => depthOf(bus), { timeout: 30_000 }).toEqual({ left: 0, dead: 0 })
  await next.drain()
  expect(landed + next.stats().landed).toBe(40)
  expect(await verify(dir)).toMatchObject({ isClean: true, messages: 40 })
})

test('a disk without room for two batches is refused at the start', async ({ skip }) => {
  const why = await mounted(root, 'size=1m')
  if (why !== null) skip(`no small file system could be mounted: ${why}`)
  await using bus = await filledBus(1, 1)
  const start = runPipeline(pipeline, bus, { to: lake(join(root, 'lake'), { format: text }) })
  await expect(start).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringContaining('two batches of bytesMax = 33554432 need more'),
  })
  expect(await depthOf(bus)).toEqual({ left: 1, dead: 0 })
})

test('a table on another device than _tmp is refused at the start', async ({ skip }) => {
  const dir = join(root, 'lake')
  const why = await mounted(join(dir, 'messages'), 'size=1m')
  if (why !== null) skip(`no second file system could be mounted: ${why}`)
  await using bus = await filledBus(1, 1)
  const start = runPipeline(pipeline, bus, { to: lake(dir, { format: text }) })
  await expect(start).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining('lie on two devices'),
  })
})

test('a read-only folder is refused at the start, by its name', async ({ skip }) => {
  const why = await mounted(root, 'size=1m')
  if (why !== null) skip(`no file system could be mounted: ${why}`)
  spawnSync('mount', ['-o', 'remount,ro', root])
  await using bus = await filledBus(1, 1)
  const dir = join(root, 'lake')
  const start = runPipeline(pipeline, bus, { to: lake(dir, { format: text }) })
  await expect(start).rejects.toMatchObject({
    code: 'STORE_UNUSABLE',
    message: expect.stringContaining(dir),
  })
  expect(await depthOf(bus)).toEqual({ left: 1, dead: 0 })
})
