import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { appendFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { DepthSample, LabEvent } from '../evidence/evidence.ts'
import { Ledger } from '../evidence/ledger.ts'
import { evidenceLine, readEvidence } from './evidenceLines.ts'
import { LedgerPlace, needAndHave } from './ledgerPlace.ts'
import { RunFolder, type RunName } from './runFolder.ts'
import { findRun, runIds } from './runs.ts'

const hasMemory = existsSync('/dev/shm')
const name: RunName = {
  startedMs: Date.UTC(2026, 10, 20, 12, 10, 7),
  ...{ scenario: 'worker-kill', backend: 'redis-stream', profile: 'default' },
  ...{ pattern: 'queue', seed: 7 },
}
const id = '2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7'
let runs: string

beforeEach(() => {
  runs = join(mkdtempSync(join(tmpdir(), 'narrowcast-runs-')), 'lab')
})
afterEach(() => rm(join(runs, '..'), { recursive: true }))

test('the folder of a run is called after it, and nobody else may read it', async () => {
  const first = await RunFolder.begin(runs, name, 1_000)
  const second = await RunFolder.begin(runs, name, 1_000)
  expect([first.id, second.id]).toEqual([id, `${id}-2`])
  for (const path of [runs, first.path]) expect(statSync(path).mode & 0o777).toBe(0o700)
  await first.write('report.md', 'KEPT\n')
  expect(statSync(join(first.path, 'report.md')).mode & 0o777).toBe(0o600)
  expect(await runIds(runs)).toEqual([`${id}-2`, id])
  await Promise.all([first.finish(), second.finish()])
})

test.runIf(hasMemory)('ledgers are written in memory and end up in the folder', async () => {
  const run = await RunFolder.begin(runs, name, 1_000)
  const ledgers = join(run.path, 'ledgers')
  await writeFile(join(ledgers, 'w00.0.bin'), 'all of it')
  expect(lstatSync(ledgers).isSymbolicLink()).toBe(true)
  await run.finish()
  expect(lstatSync(ledgers).isSymbolicLink()).toBe(false)
  expect(readFileSync(join(ledgers, 'w00.0.bin'), 'utf8')).toBe('all of it')
})

test.runIf(hasMemory)('nothing of them stays in memory', async () => {
  await mkdir(runs)
  const place = await LedgerPlace.make(runs, 1_000)
  expect(existsSync(String(place.memory))).toBe(true)
  await place.bringHome()
  expect(existsSync(String(place.memory))).toBe(false)
})

test('without a memory file system they are written in the folder', async () => {
  await mkdir(runs)
  const place = await LedgerPlace.make(runs, 1_000, join(runs, 'none'))
  expect(place.memory).toBeNull()
  expect(lstatSync(join(runs, 'ledgers')).isDirectory()).toBe(true)
  await place.bringHome()
})

test.runIf(hasMemory)('without a shell to bring them home, too', async () => {
  await mkdir(runs)
  vi.stubEnv('PATH', runs)
  onTestFinished(() => void vi.unstubAllEnvs())
  const place = await LedgerPlace.make(runs, 1_000)
  expect(place.memory).toBeNull()
  expect(lstatSync(join(runs, 'ledgers')).isDirectory()).toBe(true)
})

test.runIf(hasMemory)(
  'where the disk is full they stay in memory, and half a copy does not',
  async () => {
    const programs = join(runs, '..', 'programs')
    await mkdir(programs)
    const cp = `mkdir "$3"; echo "cp: error writing 'x': No space left on device" >&2; exit 1`
    await writeFile(join(programs, 'cp'), `#!/bin/sh\n${cp}\n`, { mode: 0o700 })
    vi.stubEnv('PATH', `${programs}:${process.env.PATH}`)
    onTestFinished(() => void vi.unstubAllEnvs())
    await mkdir(runs)
    const place = await LedgerPlace.make(runs, 1_000)
    const memory = String(place.memory)
    onTestFinished(() => rm(memory, { recursive: true }))
    await writeFile(join(memory, 'w00.0.bin'), 'all of it')
    await expect(place.bringHome()).rejects.toMatchObject({
      ...{ code: 'DISK_FULL', message: expect.stringMatching(`${memory}: .*No space left`) },
    })
    expect(readdirSync(runs)).toEqual(['ledgers'])
    expect(readFileSync(join(runs, 'ledgers', 'w00.0.bin'), 'utf8')).toBe('all of it')
  },
)

test.runIf(hasMemory)('whoever is killed leaves its ledgers in the folder', async () => {
  const program = join(runs, '..', 'killed.mts')
  const source = JSON.stringify(join(import.meta.dirname, 'runFolder.ts'))
  const begin = `RunFolder.begin(${JSON.stringify(runs)}, ${JSON.stringify(name)}, 1)`
  await writeFile(
    program,
    `import { RunFolder } from ${source}
    const { path } = await ${begin}
    process.send(path)
    setInterval(() => {}, 1_000)`,
  )
  const child = fork(program)
  onTestFinished(() => void child.kill('SIGKILL'))
  const [path] = (await once(child, 'message')) as [string]
  const ledgers = join(path, 'ledgers')
  await appendFile(join(ledgers, 'p00.0.bin'), 'written')
  child.kill('SIGKILL')
  const isHome = () => lstatSync(ledgers, { throwIfNoEntry: false })?.isDirectory()
  await expect.poll(isHome, { timeout: 20_000 }).toBe(true)
  expect(readdirSync(ledgers)).toEqual(['p00.0.bin'])
})

test('a run without room for its ledgers does not begin', async () => {
  const begun = RunFolder.begin(runs, name, 1e15)
  await expect(begun).rejects.toMatchObject({
    ...{ code: 'DISK_FULL', message: expect.stringContaining(`, ${runs} has `) },
    hint: expect.stringMatching(/--messages/),
  })
  expect(await runIds(runs)).toEqual([])
})

test.for([
  [256_000, 255_999, 'need 250 KiB, here has 249 KiB'],
  [1_048_577, 1_048_576, 'need 1,025 KiB, here has 1,024 KiB'],
  [2_560_000_000, 2_559_000_000, 'need 2,442 MiB, here has 2,440 MiB'],
  [2_560_000_000, 2_559_999_999, 'need 2,442 MiB, here has 2,441 MiB'],
] as const)('%i bytes where %i are free: the figures differ', ([bytes, free, text]) => {
  expect(needAndHave(bytes, 'here', free)).toBe(text)
})

test.runIf(existsSync('/dev/full'))('a file without room is told, and is not there', async () => {
  const run = await RunFolder.begin(runs, name, 1)
  const page = join(run.path, 'report.html')
  await symlink('/dev/full', page)
  await expect(run.write('report.html', 'a page')).rejects.toMatchObject({
    ...{ code: 'DISK_FULL', message: `lab: no room for ${page}` },
  })
  expect(existsSync(page)).toBe(false)
  await run.finish()
})

test('where nothing can be written is told', async () => {
  await writeFile(runs, 'a file')
  const begun = RunFolder.begin(runs, name, 1)
  await expect(begun).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: expect.stringMatching(/EEXIST|ENOTDIR/),
  })
})

test('a run is found by its id, by the beginning of one, and the newest as last', async () => {
  await expect(findRun(runs, 'last')).rejects.toMatchObject({
    ...{ code: 'NOT_FOUND', message: expect.stringMatching(/there are no runs in/) },
  })
  await expect(findRun(runs, '')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  for (const one of [id, `${id}-2`, '2026-11-21T00-00-00-calm-file-queue-s1', 'notes']) {
    await mkdir(join(runs, one), { recursive: true })
  }
  expect(await findRun(runs, 'last')).toBe('2026-11-21T00-00-00-calm-file-queue-s1')
  expect(await findRun(runs, '2026-11-21')).toBe('2026-11-21T00-00-00-calm-file-queue-s1')
  expect(await findRun(runs, id)).toBe(id)
  await expect(findRun(runs, '2026-11-20')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringMatching(/beginning of 2 runs/),
  })
  await expect(findRun(runs, 'notes')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    hint: expect.stringMatching(/2026-11-21T.*\n.*--runs/s),
  })
})

test('evidence is read as it was written, and a damaged line is named', async () => {
  const run = await RunFolder.begin(runs, name, 1)
  const fromNs = 2n ** 60n
  const span = { fromNs, toNs: fromNs + 1n }
  const events: LabEvent[] = [
    { event: 'KILL', role: 'worker', actor: 3, incarnation: 1, ...span },
    { event: 'BROKER_DOWN', how: 'crash', ...span },
    { event: 'BROKER_UP', ...span },
  ]
  const nothing = { inFlight: 0, scheduled: 0, dead: 0 } as const
  const depth: DepthSample[] = [
    { timeNs: fromNs, group: 'g', waiting: 4, stored: 'unknown', ...nothing },
  ]
  for (const event of events) run.append('events.ndjson', evidenceLine(event))
  for (const sample of depth) run.append('depth.ndjson', evidenceLine(sample))
  const sidecar = { role: 'worker', actor: 3, incarnation: 1, pid: 1, group: null } as const
  new Ledger(join(run.path, 'ledgers'), { ...sidecar, codes: [] })[Symbol.dispose]()
  await run.finish()
  const evidence = await readEvidence(run.path)
  expect(evidence).toMatchObject({ events, depth, ledgers: [{ sidecar }] })
  run.append('events.ndjson', '{"event":"KILL"}')
  await expect(readEvidence(run.path)).rejects.toMatchObject({
    ...{ code: 'INTERNAL', message: expect.stringMatching(/line 4 of .*events\.ndjson/) },
  })
})
