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
import { runPipeline } from './runPipeline.ts'

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
