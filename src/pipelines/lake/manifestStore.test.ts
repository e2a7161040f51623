import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { manifestError } from './manifestErrors.ts'
import { ManifestStore, type StoreOptions } from './manifestStore.ts'
import type { Entry, FileRow, Note } from './manifestTypes.ts'
import { missedBeatsMax } from './slots.ts'

const hourMs = 3_600_000
const heartbeatMs = hourMs / 2
const channel = { name: 'games', channel: 'lobby', pattern: 'queue' }

let folder = ''
let path = ''
const open: ManifestStore[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'narrowcast-manifest-'))
  path = join(folder, 'manifest.sqlite')
})
afterEach(async () => {
  for (const store of open.splice(0)) store.close()
  await rm(folder, { recursive: true })
})

type Limits = Pick<StoreOptions, 'deadBytesMax' | 'idsKeptMs' | 'unsettledKeptMs'>

function store(change: Partial<Limits> = {}): ManifestStore {
  const limits = {
    idsKeptMs: hourMs,
    unsettledKeptMs: 1_000 * hourMs,
    deadBytesMax: 1_000,
    ...change,
  }
  const made = new ManifestStore({ path, isDurable: false, busyMs: 50, heartbeatMs, ...limits })
  open.push(made)
  return made
}

/** A worker of the pipeline, with a slot of its own. */
function worker(owner: string, on = store()) {
  const { pipeline, slot } = on.register({ pipeline: channel, owner, worker: owner }, 0)
  let nowMs = 0
  let commits = 0
  return {
    store: on,
    pipeline,
    slot,
    commit(entries: readonly (Partial<Entry> & { id: string })[], more: Partial<FileRow> = {}) {
      const n = commits++
      const file: FileRow = {
        path: `T/${owner}-${n}.ndjson`,
        kind: 'data',
        table: 'T',
        version: 1,
        temp: `_tmp/${owner}-${n}.inprogress`,
        rows: entries.length,
        bytes: 10,
        stats: '[]',
        ...more,
      }
      const { bucket } = on.known(
        pipeline,
        entries.map(({ id }) => id),
      )
      const full = entries.map((entry): Entry => ({ outcome: 'rows', redrives: 0, ...entry }))
      const id = `${owner}-${n}`
      return on.commit({ id, owner, pipeline, atMs: 0, bucket, entries: full, files: [file] }, [])
    },
    /** Lets the pipeline run for so long, a beat at a time. */
    run(ms: number, notes: readonly Note[] = []) {
      let last = on.beat(owner, pipeline, notes, nowMs)
      for (const untilMs = nowMs + ms; nowMs < untilMs; ) {
        nowMs += heartbeatMs
        last = on.beat(owner, pipeline, [], nowMs)
      }
      return last
    },
    stand(ms: number) {
      nowMs += ms
    },
    known: (...ids: string[]) => on.known(pipeline, ids).known.map(({ at }) => ids[at]),
  }
}

const settled = (commit: number, open: string[] = []): Note => ({
  commit,
  isPublished: true,
  isSettled: true,
  open,
  closed: [],
})

describe('a commit', () => {
  test('is remembered by every id, whatever it is made of', () => {
    const one = worker('a')
    const ids = ['m1', 'x'.repeat(300), 'é', 'a\0b', 'a\0c', '\ud800', '\ud801', '=m1', '']
    expect(one.commit(ids.map((id) => ({ id })))).toEqual({ state: 'committed', n: 1 })
    expect(one.known('m2', ...ids, 'x'.repeat(299), 'a\0d', '#m1')).toEqual(ids)
  })

  test('with an id that another worker has taken since: nothing of it is written', () => {
    const [one, two] = [worker('a'), worker('b')]
    one.commit([{ id: 'm1' }, { id: 'm2' }])
    expect(two.commit([{ id: 'm0' }, { id: 'm2' }])).toEqual({
      state: 'conflict',
      known: [{ at: 1, outcome: 'rows', redrives: 0, commit: 1 }],
    })
    expect(two.known('m0', 'm1', 'm2')).toEqual(['m1', 'm2'])
    expect(two.commit([{ id: 'm0' }])).toEqual({ state: 'committed', n: 2 })
  })

  test('of an owner whose slot was taken over is fenced', () => {
    const one = worker('a')
    one.store.abandon('a', 0)
    expect(one.commit([{ id: 'm1' }])).toEqual({ state: 'fenced' })
    expect(one.known('m1')).toEqual([])
  })

  test('takes a dead one again when it was sent again, once', () => {
    const one = worker('a')
    one.commit([{ id: 'm1', outcome: 'dead' }, { id: 'm2' }])
    expect(one.commit([{ id: 'm1' }])).toMatchObject({ state: 'conflict' })
    expect(one.commit([{ id: 'm2', redrives: 1 }])).toMatchObject({ state: 'conflict' })
    expect(one.commit([{ id: 'm1', redrives: 1 }])).toMatchObject({ state: 'committed' })
    expect(one.commit([{ id: 'm1', redrives: 1 }])).toMatchObject({ state: 'conflict' })
    expect(one.commit([{ id: 'm1', redrives: 2 }])).toMatchObject({ state: 'conflict' })
  })

  test('beyond the limit of dead letters is refused', () => {
    const one = worker('a', store({ deadBytesMax: 15 }))
    const file = { kind: 'dead' } as const
    expect(one.commit([{ id: 'm1', outcome: 'dead' }], file)).toMatchObject({ state: 'committed' })
    expect(one.commit([{ id: 'm2', outcome: 'dead' }], file)).toEqual({
      state: 'dead-full',
      bytes: 10,
    })
    expect(one.known('m2')).toEqual([])
    expect(one.commit([{ id: 'm3' }])).toMatchObject({ state: 'committed' })
  })
})

describe('ids', () => {
  test('are forgotten an hour after they were settled, while the pipeline runs', () => {
    const one = worker('a')
    one.commit([{ id: 'm1' }])
    one.run(0, [settled(1)])
    one.run(2 * hourMs - heartbeatMs)
    expect(one.known('m1')).toEqual(['m1'])
    one.run(2 * heartbeatMs)
    expect(one.known('m1')).toEqual([])
  })

  test('outlive a weekend on which nobody runs', () => {
    const one = worker('a')
    one.commit([{ id: 'm1' }])
    one.run(0, [settled(1)])
    one.stand(72 * hourMs)
    one.run(0)
    expect(one.known('m1')).toEqual(['m1'])
  })

  test('that were never settled stay, and so do late ones among the settled', () => {
    const one = worker('a')
    one.commit([{ id: 'm1' }, { id: 'm2' }])
    one.commit([{ id: 'm3' }])
    one.run(0, [settled(1, ['m2'])])
    one.run(6 * hourMs)
    expect(one.known('m1', 'm2', 'm3')).toEqual(['m2', 'm3'])
    expect(one.commit([{ id: 'm2' }])).toMatchObject({ state: 'conflict' })
  })

  test('go when they came again and were settled then', () => {
    const one = worker('a')
    one.commit([{ id: 'm1' }, { id: 'm2' }])
    one.run(4 * hourMs)
    const open: string[] = []
    one.run(0, [{ commit: null, isPublished: false, isSettled: false, open, closed: ['m2'] }])
    one.run(hourMs)
    expect(one.known('m1', 'm2')).toEqual(['m1', 'm2'])
    one.run(3 * hourMs)
    expect(one.known('m1', 'm2')).toEqual(['m1'])
  })

  test('that were never settled go too, after a longer time of running', () => {
    const one = worker('a', store({ unsettledKeptMs: 8 * hourMs }))
    one.commit([{ id: 'm1' }])
    one.commit([{ id: 'm2' }, { id: 'm3' }])
    one.run(0, [settled(2, ['m2'])])
    one.stand(1_000 * hourMs) // nobody runs
    one.run(6 * hourMs)
    expect(one.known('m1', 'm2', 'm3')).toEqual(['m1', 'm2'])
    one.run(4 * hourMs)
    expect(one.known('m1', 'm2', 'm3')).toEqual([])
  })

  test('that come again and again unsettled stay', () => {
    const one = worker('a', store({ unsettledKeptMs: 8 * hourMs }))
    one.commit([{ id: 'm1' }, { id: 'm2' }])
    const closed: string[] = []
    const note = { commit: null, isPublished: false, isSettled: false, open: ['m1'], closed }
    for (let n = 0; n < 5; n++) one.run(4 * hourMs, [note])
    expect(one.known('m1', 'm2')).toEqual(['m1'])
  })

  test('carried over at once, from several hours, keep the last outcome', () => {
    const one = worker('a', store({ idsKeptMs: 24 * hourMs }))
    one.commit([{ id: 'm1', outcome: 'dead' }])
    one.run(hourMs)
    expect(one.commit([{ id: 'm1', redrives: 1 }])).toMatchObject({ state: 'committed' })
    one.run(4 * hourMs)
    one.store.leave('a', one.pipeline, [])
    // Started again with a shorter memory.
    const two = worker('b', store({ idsKeptMs: hourMs }))
    two.run(0)
    expect(two.store.known(two.pipeline, ['m1']).known).toMatchObject([
      { outcome: 'rows', redrives: 1 },
    ])
  })

  test('of one pipeline are nothing to another', () => {
    const one = worker('a')
    one.commit([{ id: 'm1' }])
    const other = { ...channel, name: 'games-2' }
    const { pipeline } = one.store.register({ pipeline: other, owner: 'b', worker: 'b' }, 0)
    expect(one.store.known(pipeline, ['m1']).known).toEqual([])
  })
})

describe('slots', () => {
  test('are the smallest free numbers', () => {
    const [one, two] = [worker('a'), worker('b')]
    expect([one.slot, two.slot]).toEqual([1, 2])
    one.store.leave('a', 1, [])
    expect(worker('c').slot).toBe(1)
  })

  test('a process that is gone is expelled at the next start, once', () => {
    const one = worker('a')
    const db = new DatabaseSync(path)
    db.exec("UPDATE slots SET pid = 4194399 WHERE owner = 'a'")
    const two = worker('b')
    expect(two.store.slots().map(({ owner }) => owner)).toEqual(['b'])
    expect(two.run(0).expelled).toEqual(['a'])
    two.store.recovered(['a'])
    expect(two.run(0).expelled).toEqual([])
    expect(one.commit([{ id: 'm1' }])).toEqual({ state: 'fenced' })
    db.close()
  })

  test('a pid that was given again is not taken for the old process', () => {
    worker('a')
    const db = new DatabaseSync(path)
    db.exec("UPDATE slots SET started = '1' WHERE owner = 'a'")
    db.close()
    expect(worker('b').run(0).expelled).toEqual(['a'])
  })

  test('one of another boot is gone when its beat was missed twelve times', () => {
    const [one, two] = [worker('a'), worker('b')]
    const db = new DatabaseSync(path)
    db.exec("UPDATE slots SET boot = 'elsewhere' WHERE owner = 'a'")
    db.close()
    for (let n = 1; n < missedBeatsMax; n++) expect(two.run(0).expelled).toEqual([])
    one.run(0)
    for (let n = 0; n < missedBeatsMax; n++) expect(two.run(0).expelled).toEqual([])
    expect(two.run(0).expelled).toEqual(['a'])
    expect(one.run(0)).toEqual({ isOwner: false, expelled: [] })
  })

  test('a pipeline of the same name that reads another channel is refused', () => {
    const { store: on } = worker('a')
    const pipeline = { ...channel, channel: 'other' }
    expect(() => on.register({ pipeline, owner: 'b', worker: 'b' }, 0)).toThrow(
      'pipeline "games" reads queue "lobby" here, not queue "other"',
    )
  })
})

describe('recovery', () => {
  test('names the committed files of expelled owners until they are in place', () => {
    const one = worker('a')
    one.commit([{ id: 'm1' }])
    one.store.abandon('a', 0)
    const two = worker('b')
    expect(two.store.committed(['a'])).toEqual([
      { path: 'T/a-0.ndjson', temp: '_tmp/a-0.inprogress' },
    ])
    two.store.recovered(['a'])
    expect(two.store.committed(['a'])).toEqual([])
    expect(two.store.filesOf([1])).toMatchObject([{ isPublished: true }])
  })

  test('leftovers are files of expelled owners that no commit names', () => {
    const [one, two] = [worker('a'), worker('b')]
    one.commit([{ id: 'm1' }])
    one.store.abandon('a', 0)
    const temps = ['a-0', 'a-1', 'b-0', 'x-0'].map((name) => ({
      name: `_tmp/${name}.inprogress`,
      owner: name[0] as string,
    }))
    expect(two.store.leftovers(temps)).toEqual(['_tmp/a-1.inprogress'])
  })
})

describe('a manifest that', () => {
  test('is newer is refused, and not changed', () => {
    store().close()
    open.splice(0)
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    expect(() => store()).toThrow('the manifest has format 99, this program knows 1')
  })

  test('was broken by hand is named as damaged', async () => {
    await writeFile(path, 'this is no database, and it is long enough to be read as one'.repeat(20))
    let thrown: unknown = null
    try {
      store()
    } catch (error) {
      thrown = error
    }
    expect(manifestError(path, thrown)).toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('the manifest is damaged, nothing was changed'),
    })
  })

  test('is locked by another process says so', () => {
    const one = worker('a')
    const db = new DatabaseSync(path)
    db.exec('BEGIN IMMEDIATE')
    let thrown: unknown = null
    try {
      one.commit([{ id: 'm1' }])
    } catch (error) {
      thrown = error
    }
    db.exec('ROLLBACK')
    db.close()
    expect(manifestError(path, thrown)).toMatchObject({ code: 'BUSY' })
    expect(one.commit([{ id: 'm1' }])).toMatchObject({ state: 'committed' })
  })
})
