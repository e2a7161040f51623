import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { NarrowcastError } from '../core/errors.ts'
import { memory } from '../drivers/memory/index.ts'
import { createBus } from '../runtime/bus.ts'
import { definePipeline } from './definePipeline.ts'
import { defineTable } from './defineTable.ts'
import { ndjson } from './encoders/ndjson.ts'
import { type LakeOptions, lake } from './lake/lake.ts'
import { runPipeline } from './runPipeline.ts'
import type { Sink, SinkContext } from './sink.ts'

const rows = defineTable({ name: 'ROWS', schema: z.object({ n: z.int() }) })
const pipeline = definePipeline({
  name: 'rows',
  channel: { name: 'orders' },
  input: z.object({ n: z.int() }),
  tables: [rows],
  transform: ({ n }, { emit }) => emit(rows, { n }),
})

/** A run that has subscribed, and waits for its folder. */
async function beginning(options: LakeOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-pipeline-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const bus = await createBus(memory())
  onTestFinished(() => bus.close())
  const real = lake(join(folder, 'lake'), { format: ndjson(), rowsMax: 1, ...options })
  const goOn = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<SinkContext>()
  const to: Sink = {
    ...real,
    async open(context) {
      asked.resolve(context)
      await goOn.promise
      return real.open(context)
    },
  }
  const ending = new AbortController()
  const run = runPipeline(pipeline, bus, { to, pattern: 'broadcast', signal: ending.signal })
  run.catch(() => {}) // looked at below
  const orders = bus.broadcast('orders')
  const publish = (n: number) => orders.publish({ n })
  const context = await asked.promise
  await expect.poll(async () => (await publish(0)).receivers).toBe(1)
  return { run, goOn, ending, publish, context }
}

test('what came to a live run that is told to end before it has begun is landed', async () => {
  const { run, goOn, ending, publish } = await beginning()
  for (let n = 1; n < 5; n++) await publish(n)
  ending.abort()
  goOn.resolve()
  const begun = await run
  await begun.closed
  expect(begun.stats()).toMatchObject({ delivered: 5, landed: 5, held: 0 })
})

test('a live run that cannot begin says how many messages it lost by that', async () => {
  const { run, goOn, publish } = await beginning()
  for (let n = 1; n < 5; n++) await publish(n)
  goOn.reject(new NarrowcastError('DISK_FULL', 'no room'))
  await expect(run).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: 'no room; messages that had come by then and are lost: 5',
  })
})

test('what is told of a run before anybody could listen is told when it has begun', async () => {
  const { run, goOn, publish, context } = await beginning({ holdMax: 2 })
  context.warn(new NarrowcastError('BUSY', 'the folder is locked'))
  for (let n = 1; n < 20; n++) await publish(n)
  goOn.resolve()
  const begun = await run
  const told: string[] = []
  begun.on('error', ({ error }) => told.push(error.code))
  await expect.poll(() => told).toEqual(['BUSY', 'UNAVAILABLE'])
  await begun.drain()
})
