import { fork } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RunPlan } from '../../src/lab/plan.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { calm } from './labPlan.ts'
import { playOn, tempFolder } from './labScene.ts'

/** More than four workers can do, so that they are busy for as long as a new one takes to start. */
const kills: RunPlan = {
  ...calm,
  load: { ...calm.load, handlerMs: 60 },
  faults: [400, 1_400].map((atMs) => ({
    ...{ kind: 'kill', target: 'busiest' },
    ...{ atMs, restartAfterMs: 500 },
  })),
}
const bites = [
  { is: 'busyKills', atLeast: 1 },
  { is: 'attemptsAboveOne', atLeast: 1 },
  { is: 'everyWorkerDone', atLeast: 1 },
] as const

async function keepsItsContract(url: string): Promise<void> {
  const { verdict, account } = await playOn(url, kills, bites)
  expect(verdict).toEqual({ status: 'KEPT', reasons: [] })
  const { attempted, acknowledged, processed, dead } = account
  expect([attempted, acknowledged, processed + dead]).toEqual([1_000, 1_000, 1_000])
}

testRedis('redis: lists keep their contract while workers are killed', async () => {
  await using server = await startRedis({ profile: 'always' })
  await keepsItsContract(server.url)
})

testRedis('redis: streams keep their contract while workers are killed', async () => {
  await using server = await startRedis({ profile: 'always' })
  await keepsItsContract(`${server.url}?queue=stream`)
})

test('a broker that loses what waits is BROKEN, however little else went wrong', async () => {
  const url = `file:${join(await tempFolder(), 'store')}`
  const channel = { name: calm.channel.name, pattern: 'queue' } as const
  const slow: RunPlan = { ...calm, load: { ...calm.load, handlerMs: 200, poisonShare: 0 } }
  let purged = 0
  const { verdict, account } = await playOn(url, slow, [], async () => {
    await using bus = await connect(url)
    await expect
      .poll(async () => (await bus.admin.depths([channel]))[0]?.waiting, { timeout: 60_000 })
      .toBeGreaterThan(50)
    purged = await bus.admin.purge(channel)
  })
  expect(verdict.status).toBe('BROKEN')
  expect(account.lost).toMatchObject({ total: purged, broker: purged, unexplained: purged })
})

test('a worker that dies without the lab explains what comes again', async () => {
  const url = `file:${join(await tempFolder(), 'store')}`
  const busy: RunPlan = { ...kills, faults: [] }
  const once = [{ is: 'attemptsAboveOne', atLeast: 1 }] as const
  const { verdict, account } = await playOn(url, busy, once, async (ledgers) => {
    const bytes = () => statSync(join(ledgers, 'w00.0.bin'), { throwIfNoEntry: false })?.size ?? 0
    await expect.poll(bytes, { timeout: 60_000 }).toBeGreaterThan(1_000) // in the midst of work
    process.kill(pidsIn(ledgers, /^w00/)[0] as number, 'SIGKILL')
  })
  expect(verdict).toEqual({
    status: 'INCONCLUSIVE',
    reasons: ['worker 0, start 0, ended by itself, or not well when it was told to'],
  })
  expect(account.redelivered.byCause['worker-killed']).toBeGreaterThan(0)
})

test('whoever kills the lab finds none of its processes', async () => {
  const folder = await tempFolder()
  const program = join(import.meta.dirname, 'labSupervisor.ts')
  const supervisor = fork(program, [`file:${join(folder, 'store')}`, folder])
  onTestFinished(() => void supervisor.kill('SIGKILL'))
  const actors = calm.load.workers + calm.load.producers
  await expect.poll(() => pidsIn(folder), { timeout: 60_000 }).toHaveLength(actors)
  const pids = pidsIn(folder)
  expect(pids.filter(isAlive)).toEqual(pids)
  supervisor.kill('SIGKILL')
  await expect.poll(() => pids.filter(isAlive), { timeout: 60_000 }).toEqual([])
})

/** Of the actors that have begun a ledger; whole ones, as a sidecar may be read while it is written. */
function pidsIn(folder: string, names = /^[pw]/): number[] {
  const isSidecar = (name: string) => names.test(name) && name.endsWith('.json')
  const sidecars = readdirSync(folder).filter(isSidecar)
  return sidecars.flatMap((name) => {
    const pid = /"pid":(\d+)/.exec(readFileSync(join(folder, name), 'utf8'))?.[1]
    return pid === undefined ? [] : [Number(pid)]
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
