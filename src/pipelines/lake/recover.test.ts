import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import { disk } from '../disk.ts'
import { messagesPipeline } from '../messagesPipeline.ts'
import type { SinkContext } from '../sink.ts'
import type { LakePlan } from './lake.ts'
import { Manifest } from './manifest.ts'
import { Membership } from './membership.ts'

test('a manifest that is locked in the midst of a recovery is waited for, and told', async () => {
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-recover-'))
  await mkdir(join(root, '_tmp'))
  const path = join(root, '_manifest.sqlite')
  const limits = { idsKeptMs: 60_000, unsettledKeptMs: 60_000, deadBytesMax: 1_000 }
  const options = { path, isDurable: false, busyMs: 20, heartbeatMs: 1_000, ...limits }
  const manifest = await Manifest.open(options)
  const other = new DatabaseSync(path)
  onTestFinished(async () => {
    other.close()
    await manifest.close()
    await rm(root, { recursive: true })
  })
  other.exec("INSERT INTO expelled VALUES('deadone', 0, 0)")
  const told: string[] = []
  const context: Partial<SinkContext> = {
    pipeline: messagesPipeline({ name: 'lobby' }),
    worker: 'w-1',
    clock: systemClock,
    signal: new AbortController().signal,
    async step(step) {
      if (step === 'replaced') other.exec('BEGIN IMMEDIATE')
    },
    warn({ code }: NarrowcastError) {
      told.push(code)
      if (other.isTransaction) other.exec('ROLLBACK')
    },
  }
  const plan: Partial<LakePlan> = { root, disk: disk('os'), heartbeatMs: 1_000 }
  const membership = new Membership(plan as LakePlan, context as SinkContext, manifest)
  await membership.join()
  expect(told).toEqual(['BUSY'])
  expect(other.prepare('SELECT isClean FROM expelled').all()).toMatchObject([{ isClean: 1 }])
})
