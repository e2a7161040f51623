import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Durability } from '../../src/pipelines/disk.ts'
import { ndjson } from '../../src/pipelines/encoders/ndjson.ts'
import { lake } from '../../src/pipelines/lake/lake.ts'
import { verify } from '../../src/pipelines/lake/verify.ts'
import { messagesPipeline } from '../../src/pipelines/messagesPipeline.ts'
import type { Staged, Step } from '../../src/pipelines/sink.ts'
import { firstWrong, land, openSink, rootIn, type Subject, staged } from './powerRun.ts'
import { type Deed, recordedDisk } from './recordedDisk.ts'

const pipeline = messagesPipeline({ name: 'lobby' })
const format = ndjson({ compression: 'none' })
const dayMs = 86_400_000
const seed = Number(process.env.NARROWCAST_SEED ?? Math.floor(Math.random() * 1_000_000))

/** Two days and a dead letter in each batch; the second finds one of its folders there. */
const batches = [0, 1].map((batch) =>
  ['a', 'b', 'c'].map((name, n) => {
    const [id, timeMs] = [`${name}${batch}`, (batch + n) * dayMs]
    const row = { _id: id, _time: timeMs, key: null, headers: '{}', data: '{}' }
    return staged(id, timeMs, name === 'c' ? null : row)
  }),
) as [Staged[], Staged[]]

function open(root: string, durability: Durability, diesAt?: Step) {
  const options = { format, durability, heartbeatMs: 60_000, bytesMax: 1_000 }
  return openSink(lake(root, options), pipeline, diesAt)
}

/** A worker lands the first batch and dies at the commit point of the second; another one goes on. */
async function recorded(base: string, durability: Durability): Promise<readonly Deed[]> {
  const root = rootIn(base)
  using disk = recordedDisk(base, root)
  const first = await open(root, durability)
  await land(first, batches[0], disk.acked)
  await first.close()
  const second = await open(root, durability, 'committed')
  await expect(land(second, batches[1], disk.acked)).rejects.toThrow('it dies here')
  await second.close()
  const third = await open(root, durability)
  await land(third, batches[1], disk.acked)
  await third.close()
  disk.acked([]) // the manifest as it was left
  return disk.deeds
}

/** After a power cut no process of before runs; this one was the owner of all slots. */
function endOwners(root: string): void {
  const path = join(root, '_manifest.sqlite')
  if (!existsSync(path)) return
  const db = new DatabaseSync(path)
  const hasSlots = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'slots'").all().length > 0
  if (hasSlots) db.exec("UPDATE slots SET started = 'before the power cut'")
  db.close()
}

const subject = (base: string): Subject => ({
  base,
  seed,
  all: batches.flat(),
  open(root) {
    endOwners(root)
    return open(root, 'os')
  },
  async wrongIn(root) {
    const found = await verify(root)
    return found.isClean ? null : JSON.stringify(found)
  },
})

let base = ''
let deeds: readonly Deed[] = []
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'narrowcast-power-'))
  deeds = await recorded(base, 'fsync')
})
afterAll(() => rm(base, { recursive: true, force: true }))

test('a power cut at any instant: what was acknowledged has landed once, nothing torn', async () => {
  expect(await firstWrong(subject(base), deeds), `NARROWCAST_SEED=${seed}`).toBe(null)
})

describe('control: a power cut breaks the claim', () => {
  test.for<readonly [string, Deed['kind'], RegExp]>([
    ['the files of a commit are', 'sync', /_tmp\/\w+-[0-9a-f-]{36}-\d\.inprogress$/],
    ['_tmp is', 'syncFolder', /\/_tmp$/],
    ['the folder of a day is', 'syncFolder', /messages\/date=[^/]+$/],
    ['the folder of the dead letters of a day is', 'syncFolder', /_dead\/lobby\/date=[^/]+$/],
    ['the folder of a table is', 'syncFolder', /\/messages$/],
    ['the root is', 'syncFolder', /\/root$/],
    ['the folder of the root is', 'syncFolder', /\/new\/folders$/],
    ['a new folder above it is', 'syncFolder', /\/new$/],
  ])('where %s not synced', async ([, kind, path]) => {
    const fewer = deeds.filter(
      (deed) => !(deed.kind === kind && 'path' in deed && path.test(deed.path)),
    )
    expect(fewer.length).toBeLessThan(deeds.length)
    expect(await firstWrong(subject(base), fewer)).not.toBe(null)
  })

  test('where the broker is told before the commit point', async () => {
    const early = [...deeds]
    for (const [at, deed] of early.entries()) {
      const committed = early.slice(0, at).findLastIndex(({ kind }) => kind === 'manifest')
      if (deed.kind === 'acked') early.splice(committed, 0, ...early.splice(at, 1))
    }
    expect(await firstWrong(subject(base), early)).not.toBe(null)
  })

  test('where names of new folders are synced after what moved into them', async () => {
    const isParent = (deed: Deed) => deed.kind === 'syncFolder' && !/date=/.test(deed.path)
    const late: Deed[] = []
    const waiting: Deed[] = []
    for (const deed of deeds) {
      if (isParent(deed)) waiting.push(deed)
      else if (deed.kind === 'rename' || late.at(-1)?.kind !== 'rename') late.push(deed)
      else late.push(...waiting.splice(0), deed)
    }
    expect(await firstWrong(subject(base), [...late, ...waiting])).not.toBe(null)
  })

  test("with durability: 'os', which promises nothing here", async () => {
    const other = await mkdtemp(join(base, 'os-'))
    expect(await firstWrong(subject(other), await recorded(other, 'os'))).not.toBe(null)
  })
})
