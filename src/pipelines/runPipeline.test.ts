import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { memory } from '../drivers/memory/index.ts'
import { createBus } from '../runtime/bus.ts'
import { definePipeline } from './definePipeline.ts'
import { defineTable } from './defineTable.ts'
import { ndjson } from './encoders/ndjson.ts'
import { lake } from './lake/lake.ts'
import { LiveDeliveries } from './liveDeliveries.ts'
import { type PipelineRun, runPipeline } from './runPipeline.ts'

const rows = defineTable({ name: 'ROWS', schema: z.object({ n: z.int().min(0).max(255) }) })
const pipeline = definePipeline({
  name: 'rows',
  channel: { name: 'orders' },
  input: z.object({ n: z.int() }),
  tables: [rows],
  transform: ({ n }, { emit }) => emit(rows, { n }),
})

test('reads a channel with dedupe on consume, on the bus that publishes to it with a schema', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-pipeline-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const channelDefaults = () => ({ dedupe: { on: 'consume' } as const })
  await using bus = await createBus(memory(), { channelDefaults })
  const orders = bus.queue('orders', { schema: z.object({ n: z.int() }), attempts: 3 })
  await orders.publish({ n: 7 }, { id: 'a' })
  const to = lake(join(folder, 'lake'), { format: ndjson(), rowsMax: 1 })
  await using run = await runPipeline(pipeline, bus, { to })
  await new Promise((resolve) => run.on('settled', resolve))
  expect(run.stats()).toMatchObject({ landed: 1, dead: 0 })
})

/** Runs of one pipeline on one folder, of which each lands as soon as it is given something. */
async function runsOf(pattern: 'broadcast' | 'narrowcast', count: number) {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-pipeline-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const bus = await createBus(memory(), { seed: 1 })
  onTestFinished(() => bus.close())
  const runs: PipelineRun[] = []
  for (let n = 0; n < count; n++) {
    const to = lake(join(folder, 'lake'), { format: ndjson(), rowsMax: 1 })
    runs.push(await runPipeline(pipeline, bus, { to, pattern }))
  }
  const landed = () => runs.map((run) => run.stats().landed)
  return { bus, runs, landed, sum: () => landed().reduce((all, one) => all + one, 0) }
}

test('on a broadcast every worker lands its own copy', async () => {
  const { bus, runs, landed } = await runsOf('broadcast', 3)
  const orders = bus.broadcast('orders', { codec: 'json' })
  for (let n = 0; n < 4; n++) expect((await orders.publish({ n })).receivers).toBe(3)
  await expect.poll(landed).toEqual([4, 4, 4])
  for (const run of runs) await run.drain()
  expect(runs.map((run) => run.stats().held)).toEqual([0, 0, 0])
})

test('on a narrowcast each message lands once, and what cannot is a dead letter of the lake', async () => {
  const { bus, runs, sum } = await runsOf('narrowcast', 2)
  const orders = bus.narrowcast('orders')
  for (let n = 0; n < 10; n++) await orders.publish({ n })
  await orders.publish({ n: 'no' })
  await expect.poll(sum).toBe(10)
  const dead = () => runs.reduce((all, run) => all + run.stats().dead, 0)
  await expect.poll(dead).toBe(1)
  for (const run of runs) await run.drain()
})

test('a live run that ends lands all that was handed over before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-pipeline-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await using bus = await createBus(memory())
  const to = lake(join(folder, 'lake'), { format: ndjson() })
  const run = await runPipeline(pipeline, bus, { to, pattern: 'narrowcast' })
  const orders = bus.narrowcast('orders')
  for (let n = 0; n < 20; n++) await orders.publish({ n })
  await run.drain()
  expect(run.stats()).toMatchObject({ delivered: 20, landed: 20, held: 0 })
})

test('messages that a live run had no room for are told', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-pipeline-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await using bus = await createBus(memory())
  const goOn = Promise.withResolvers<void>()
  const to = lake(join(folder, 'lake'), { format: ndjson(), rowsMax: 1, holdMax: 2 })
  const pattern = 'broadcast'
  await using run = await runPipeline(pipeline, bus, { to, pattern, onStep: () => goOn.promise })
  const told = Promise.withResolvers<string>()
  run.on('error', ({ error }) => told.resolve(`${error.code}: ${error.message}`))
  const orders = bus.broadcast('orders')
  await orders.publishMany(Array.from({ length: 20 }, (_, n) => ({ data: { n } })))
  goOn.resolve()
  expect(await told.promise).toMatch(/^UNAVAILABLE: .* missed \d+ messages \(overflow\)/)
})

test('what was taken and not landed when a live run is closed is told with its id', async () => {
  await using bus = await createBus(memory())
  const orders = bus.narrowcast<Uint8Array>('orders', { codec: 'bytes' })
  const deliveries = new LiveDeliveries(orders as never, { holdMax: 10, holdBytesMax: 1_000 })
  const errors: unknown[] = []
  deliveries.on('error', ({ id, error }) => errors.push([id, error.code]))
  await deliveries.ready()
  await orders.publish(new Uint8Array([1]), { id: 'a' })
  const taken = deliveries[Symbol.asyncIterator]()
  expect((await taken.next()).value).toMatchObject({ message: { id: 'a' }, attempt: 1 })
  await deliveries.close()
  expect(errors).toEqual([['a', 'CLOSED']])
  expect(await taken.next()).toMatchObject({ done: true })
})

test('a group belongs to a stream, and a pattern is one of four', async () => {
  await using bus = await createBus(memory())
  const to = lake('nowhere')
  const refused = { code: 'INVALID_ARGUMENT' }
  const grouped = runPipeline(pipeline, bus, { to, pattern: 'broadcast', group: 'g' })
  await expect(grouped).rejects.toMatchObject(refused)
  const { queue, stream, telemetry } = bus
  const kept = runPipeline(pipeline, { queue, stream, telemetry }, { to, pattern: 'broadcast' })
  await expect(kept).rejects.toMatchObject(refused)
  const other = runPipeline(pipeline, bus, { to, pattern: 'topic' as 'queue' })
  await expect(other).rejects.toMatchObject(refused)
})
