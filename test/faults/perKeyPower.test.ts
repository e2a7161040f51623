import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definePipeline } from '../../src/pipelines/definePipeline.ts'
import type { Table } from '../../src/pipelines/defineTable.ts'
import type { Durability } from '../../src/pipelines/disk.ts'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { perKey } from '../../src/pipelines/perKey/perKey.ts'
import { firstWrong, land, openSink, rootIn, type Subject, staged } from './powerRun.ts'
import { type Deed, recordedDisk } from './recordedDisk.ts'

const table: Table<{ id: string }> = {
  name: 'GAME',
  key: ['id'],
  schema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  columns: [{ name: 'id', type: 'string', nullable: false }],
}
const pipeline = definePipeline({
  name: 'games',
  channel: { name: 'games' },
  tables: [table],
  transform: () => undefined,
})
const format = ndjson({ compression: 'none' })
const all = ['a', 'b', 'c'].map((id) => staged(id, 0, { id }))
const seed = Number(process.env.NARROWCAST_SEED ?? Math.floor(Math.random() * 1_000_000))

/** Its folders lie two deep below the root. */
function open(root: string, durability: Durability) {
  const preset = { preset: 'py-superhero', names: 'honest', exclusive: 'key' } as const
  return openSink(perKey(root, { key: 'id', format, durability, ...preset }), pipeline)
}

let base = ''
let deeds: readonly Deed[] = []
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'narrowcast-power-'))
  using disk = recordedDisk(base, rootIn(base))
  for (const batch of [all.slice(0, 2), all.slice(2)]) {
    const sink = await open(rootIn(base), 'fsync')
    await land(sink, batch, disk.acked)
    await sink.close()
  }
  deeds = disk.deeds
})
afterAll(() => rm(base, { recursive: true, force: true }))

const subject = (): Subject => ({
  base,
  seed,
  all,
  open: (root) => open(root, 'os'),
  wrongIn: async () => null,
})

test('one file per key and a power cut at any instant: each game is there, whole', async () => {
  expect(await firstWrong(subject(), deeds), `NARROWCAST_SEED=${seed}`).toBe(null)
})

test.for<readonly [string, Deed['kind'], RegExp]>([
  ['the files are', 'sync', /\.inprogress$/],
  ['the folder of the files is', 'syncFolder', /\/GAME$/],
  ['the folder of the tables is', 'syncFolder', /\/superhero$/],
  ['the root is', 'syncFolder', /\/root$/],
  ['a new folder above it is', 'syncFolder', /\/new$/],
])('control: one is lost where %s not synced', async ([, kind, path]) => {
  const fewer = deeds.filter(
    (deed) => !(deed.kind === kind && 'path' in deed && path.test(deed.path)),
  )
  expect(fewer.length).toBeLessThan(deeds.length)
  expect(await firstWrong(subject(), fewer)).not.toBe(null)
})
