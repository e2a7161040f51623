import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { noProgress } from '../../runtime/redrive/run.ts'
import type { Job } from './job.ts'
import { JobFolder } from './jobFolder.ts'

function scene(): { folder: JobFolder; dir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'narrowcast-jobs-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return { folder: new JobFolder(dir), dir }
}

const job = (id: string, over: Partial<Job> = {}): Job => ({
  ...{ id, url: 'file:./store', channel: { name: 'jobs', pattern: 'queue' }, to: null },
  ...{ group: null, total: 1, redrivesMax: 0, plannedMs: 1, updatedMs: 1, ratePerS: 50 },
  ...{ diedAgainShareMax: 0.05, state: 'running', why: null, progress: noProgress },
  ...over,
})
const letters = [
  { ref: '1', id: 'plain', redrives: 0 },
  { ref: '2', id: 'two\nlines "quoted" 日本', redrives: 2 },
]

test('a job runs as long as its lock is held, then it is interrupted, and can be taken anew', async () => {
  const { folder } = scene()
  const { id, lock } = await folder.begin()
  await folder.create(job(id), letters)
  expect(await folder.read(id)).toEqual(job(id))
  expect(await folder.letters(id)).toEqual(letters)
  await expect(folder.lock(id)).rejects.toMatchObject({ code: 'CONFLICT' })
  lock[Symbol.dispose]()
  expect(await folder.read(id)).toMatchObject({ state: 'interrupted' })
  using _ = await folder.lock(id)
  expect(await folder.read(id)).toMatchObject({ state: 'running' })
})

test('looking makes no folder, and asking to cancel is undone', async () => {
  const { folder, dir } = scene()
  expect(await folder.list()).toEqual({ jobs: [], damaged: [] })
  await expect(folder.read('r_aaaaaa')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(readdirSync(dir)).toEqual([])
  const { id, lock } = await folder.begin()
  using _ = lock
  expect(folder.isCancelAsked(id)).toBe(false)
  await folder.askCancel(id)
  expect(folder.isCancelAsked(id)).toBe(true)
  await folder.forgetCancel(id)
  expect(folder.isCancelAsked(id)).toBe(false)
})

test('a write that was cut off changes nothing; a file of another format is not read', async () => {
  const { folder } = scene()
  const { id, lock } = await folder.begin()
  await folder.create(job(id, { state: 'done' }), letters)
  lock[Symbol.dispose]()
  const path = join(folder.path, `${id}.json`)
  writeFileSync(`${path}.tmp`, '{"v":1,"id":"r_')
  expect((await folder.list()).jobs).toHaveLength(1)
  const newer = readFileSync(path, 'utf8').replace('"v":1', '"v":2')
  writeFileSync(path, newer)
  const { jobs, damaged } = await folder.list()
  expect([jobs, damaged]).toMatchObject([[], [{ code: 'STORE_UNUSABLE' }]])
  expect(damaged[0]?.message).toContain('another format')
})

test('keeps the newest hundred that are done, and all that can go on', async () => {
  const { folder } = scene()
  const name = (n: number) => `r_${String.fromCharCode(97 + (n % 26), 97 + Math.floor(n / 26))}aaaa`
  const numbered = (n: number) =>
    job(name(n), { plannedMs: n, state: n < 2 ? 'cancelled' : 'done' })
  await folder.begin().then(({ lock }) => lock[Symbol.dispose]())
  for (let n = 0; n < 102; n++) await folder.save(numbered(n))
  for (const kind of ['letters', 'lock']) writeFileSync(join(folder.path, `${name(2)}.${kind}`), '')
  await folder.create(numbered(102), letters)
  const { jobs } = await folder.list()
  expect(jobs).toHaveLength(102)
  expect(jobs[0]?.plannedMs).toBe(102)
  expect(jobs.slice(-3).map(({ plannedMs }) => plannedMs)).toEqual([3, 1, 0])
  const left = readdirSync(folder.path).filter((file) => file.startsWith(name(2)))
  expect(left).toEqual([])
})
