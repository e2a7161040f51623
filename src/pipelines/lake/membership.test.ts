import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { virtualClock } from '../../testing/virtualClock.ts'
import { disk } from '../disk.ts'
import { messagesPipeline } from '../messagesPipeline.ts'
import type { SinkContext } from '../sink.ts'
import type { LakePlan } from './lake.ts'
import { Manifest } from './manifest.ts'
import { Membership } from './membership.ts'

const heartbeatMs = 1_000

async function member() {
  const root = await mkdtemp(join(tmpdir(), 'narrowcast-member-'))
  await mkdir(join(root, '_tmp'))
  const options = {
    isDurable: false,
    busyMs: 1_000,
    idsKeptMs: 60_000,
    deadBytesMax: 1_000,
    unsettledKeptMs: 60_000,
  }
  const path = join(root, '_manifest.sqlite')
  const manifest = await Manifest.open({ path, heartbeatMs, ...options })
  onTestFinished(async () => {
    await manifest.close()
    await rm(root, { recursive: true })
  })
  const clock = virtualClock()
  const warn = vi.fn()
  const context: Partial<SinkContext> = {
    pipeline: messagesPipeline({ name: 'lobby' }),
    worker: 'w-1',
    clock,
    signal: new AbortController().signal,
    step: async () => undefined,
    warn,
    fail: warn,
  }
  const plan: Partial<LakePlan> = { root, disk: disk('os'), heartbeatMs }
  const membership = new Membership(plan as LakePlan, context as SinkContext, manifest)
  await membership.join()
  const owners = async () => (await manifest.call('slots')).map(({ owner }) => owner)
  return { membership, manifest, clock, warn, owners }
}

test('a worker whose slot was taken over takes one new slot, whoever sees it first', async () => {
  const { membership, manifest, clock, warn, owners } = await member()
  membership.start()
  const before = membership.owner
  await manifest.call('abandon', before, 0)
  // A commit that was fenced, a second one, and the beat.
  const joined = [membership.rejoin(before), membership.rejoin(before)]
  await clock.advance(heartbeatMs)
  await Promise.all(joined)
  await membership.rejoin(before)
  await clock.advance(heartbeatMs)
  expect(membership.owner).not.toBe(before)
  await membership.leave(true)
  expect(warn.mock.calls.filter(([error]) => error.code !== 'FENCED')).toEqual([])
  expect(await owners()).toEqual([])
})

test('one that leaves while it takes a new slot gives that back', async () => {
  const { membership, manifest, owners } = await member()
  const before = membership.owner
  await manifest.call('abandon', before, 0)
  const joined = membership.rejoin(before)
  await membership.leave(true)
  await joined
  expect(await owners()).toEqual([])
})
