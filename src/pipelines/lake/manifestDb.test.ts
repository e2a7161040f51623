import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { ManifestDb } from './manifestDb.ts'

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'narrowcast-db-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

/** Holds a lock on a database for so long, in a thread of its own; says when it has it. */
const holder = `
const { DatabaseSync } = require('node:sqlite')
const { parentPort, workerData: { path, ms } } = require('node:worker_threads')
const db = new DatabaseSync(path)
db.exec('BEGIN IMMEDIATE; CREATE TABLE theirs(n)')
parentPort.postMessage('held')
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
db.exec('ROLLBACK')
db.close()`

async function held(path: string, ms: number): Promise<void> {
  const thread = new Worker(holder, { eval: true, workerData: { path, ms } })
  onTestFinished(async () => {
    await thread.terminate()
  })
  await once(thread, 'message')
}

test('a new manifest that another one is just making is waited for', async () => {
  const path = join(await folder(), 'manifest.sqlite')
  await held(path, 300)
  const db = new ManifestDb(path, 60_000, false)
  expect(db.all('PRAGMA journal_mode')).toMatchObject([{ journal_mode: 'wal' }])
  db.close()
})

test('one that stays locked is given up in time', async () => {
  const path = join(await folder(), 'manifest.sqlite')
  await held(path, 60_000)
  expect(() => new ManifestDb(path, 50, false)).toThrow('database is locked')
})

test.for([
  [true, 2],
  [false, 1],
] as const)('a durable one (%s) is synced with each commit', async ([isDurable, synchronous]) => {
  const db = new ManifestDb(join(await folder(), 'manifest.sqlite'), 50, isDurable)
  expect(db.all('PRAGMA synchronous')).toMatchObject([{ synchronous }])
  db.close()
})
