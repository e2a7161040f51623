import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { memory } from '../../src/drivers/memory/index.ts'
import { definePipeline, type Pipeline } from '../../src/pipelines/definePipeline.ts'
import { defineTable } from '../../src/pipelines/defineTable.ts'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import type { PipelineEvents } from '../../src/pipelines/runEvents.ts'
import { type PipelineRun, type RunOptions, runPipeline } from '../../src/pipelines/runPipeline.ts'
import type { Bus, PublishOptions } from '../../src/runtime/api.ts'
import { createBus } from '../../src/runtime/bus.ts'

export const meta = defineTable({
  name: 'META',
  key: ['n'],
  schema: z.object({ n: z.int().min(0).max(65_535), name: z.string() }),
})
export const podium = defineTable({
  name: 'PODIUM',
  key: ['n', 'rank'],
  schema: z.object({ n: z.int().min(0).max(65_535), rank: z.int().min(0).max(255) }),
})

/** Two ranks per game; `fails` in the data makes it throw, `dead` makes it say so. */
export const games: Pipeline = definePipeline({
  name: 'games',
  channel: { name: 'lobby' },
  match: { kind: 'end' },
  input: z.object({
    n: z.int(),
    name: z.string().default('game'),
    fails: z.boolean().optional(),
    dead: z.string().optional(),
  }),
  tables: [meta, podium],
  transform({ n, name, fails, dead: reason }, { emit, dead }) {
    emit(meta, { n, name })
    for (const rank of [1, 2]) emit(podium, { n, rank })
    if (fails) throw new Error('transform broke')
    if (reason !== undefined) dead(reason)
  },
})

export const game = (n: number, more: object = {}) => ({ kind: 'end', n, ...more })
export const span = (count: number) => Array.from({ length: count }, (_, n) => n)
/** Text files, quick to write and to read back. */
export const text = ndjson({ compression: 'none' })

export interface PipelineScene extends AsyncDisposable {
  readonly bus: Bus
  readonly dir: string
  publish(data: unknown, options?: PublishOptions): Promise<void>
  run(options: RunOptions, pipeline?: Pipeline): Promise<PipelineRun>
  /** Rows of a table in the NDJSON files of the lake, by `n`. */
  rows(table: string): Promise<Record<string, unknown>[]>
  deadLines(): Promise<Record<string, unknown>[]>
  /** Names of all files under a folder of the lake. */
  files(folder?: string): Promise<string[]>
  /** Messages in the channel: waiting, in flight, scheduled and dead. */
  depth(): Promise<{ left: number; dead: number }>
}

/** A bus on a memory store and an empty folder. */
export async function pipelineScene(): Promise<PipelineScene> {
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-pipeline-'))
  const dir = join(root, 'lake')
  const bus = await createBus(memory())
  const runs: PipelineRun[] = []
  const lobby = bus.queue('lobby', { leaseMs: 5_000 })

  async function lines(names: string[]): Promise<Record<string, unknown>[]> {
    const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')))
    return texts.flatMap((one) =>
      one
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    )
  }

  async function files(folder = ''): Promise<string[]> {
    const entries = await readdir(join(dir, folder), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
      .sort()
  }

  return {
    bus,
    dir,
    files,
    async publish(data, options) {
      await lobby.publish(data, options)
    },
    async run(options, pipeline = games) {
      const run = await runPipeline(pipeline, bus, options)
      runs.push(run)
      return run
    },
    async rows(table) {
      const found = await lines(await files(table))
      return found.sort((a, b) => Number(a.n) - Number(b.n) || Number(a.rank) - Number(b.rank))
    },
    deadLines: async () => lines(await files('_dead')),
    async depth() {
      const [found] = await bus.admin.depths([{ name: 'lobby', pattern: 'queue' }])
      const { waiting, inFlight, scheduled, dead } = found ?? {}
      return { left: Number(waiting) + Number(inFlight) + Number(scheduled), dead: Number(dead) }
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(runs.map((run) => run.drain()))
      await bus.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Resolves when so many messages of a run are settled. */
export async function settledOf(run: PipelineRun, count: number): Promise<void> {
  await whenEvent(run, 'settled', () => run.stats().settled >= count)
}

/** Resolves as soon as `isTrue` holds, asked after every event of this name. */
export async function whenEvent(
  run: PipelineRun,
  event: keyof PipelineEvents,
  isTrue: () => boolean,
): Promise<void> {
  if (isTrue()) return
  await new Promise<void>((resolve, reject) => {
    const off = run.on(event, () => {
      if (!isTrue()) return
      off()
      resolve()
    })
    run.closed.then(() => reject(new Error(`the run ended before "${event}" made it true`)), reject)
  })
}
