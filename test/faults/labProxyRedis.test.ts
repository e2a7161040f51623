import { expect, onTestFinished } from 'vitest'
import { connect } from '../../src/connect.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { throughPort, upstreamOf } from '../../src/lab/proxy/throughPort.ts'
import type { Bus } from '../../src/runtime/api.ts'
import { testRedis } from '../brokers/redisHere.ts'
import { startProxy } from './labProxyScene.ts'

const patience = { timeout: 60_000 } as const

/** A producer and a worker, each by a port of its own, and somebody who asks the server itself. */
async function startThree() {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const proxy = await startProxy()
  const open = async (name: string): Promise<Bus> => {
    const port = await proxy.open(name, upstreamOf(server.url))
    return await connected(throughPort(server.url, port))
  }
  const [producer, worker] = [await open('p00'), await open('w00')]
  return { proxy, producer, worker, lab: await connected(server.url) }
}

async function connected(url: string): Promise<Bus> {
  const bus = await connect(url)
  onTestFinished(() => bus.close({ timeoutMs: 5_000 }))
  return bus
}

async function stored(bus: Bus): Promise<number | 'unknown' | undefined> {
  return (await bus.admin.depths([{ name: 'jobs', pattern: 'queue' }]))[0]?.in
}

const once = { publish: { retry: false } } as const

testRedis('held and healed, a queue loses nothing, and the same connections go on', async () => {
  const { proxy, producer, worker, lab } = await startThree()
  const seen: number[] = []
  const subscription = worker.queue<number>('jobs').subscribe((n) => void seen.push(n))
  const troubles: Error[] = []
  subscription.on('error', ({ error }) => void troubles.push(error))
  await subscription.ready()
  const jobs = producer.queue<number>('jobs', once)
  for (let n = 0; n < 100; n++) await jobs.publish(n)
  await expect.poll(() => seen.length, patience).toBe(100)
  for (const name of ['p00', 'w00']) await proxy.set(name, { kind: 'hold' })
  const publishing = Array.from({ length: 100 }, (_, n) => jobs.publish(100 + n))
  await lab.queue<number>('jobs', once).publish(200) // time passes for everybody else
  expect([await stored(lab), seen.length]).toEqual([101, 100])
  await proxy.heal('p00')
  await Promise.all(publishing)
  expect([await stored(lab), seen.length]).toEqual([201, 100])
  await proxy.heal('w00')
  await expect.poll(() => seen.length, patience).toBe(201)
  expect(new Set(seen).size).toBe(201)
  expect(troubles).toEqual([])
})

testRedis('a publish whose answer is lost may have been stored, and was', async () => {
  const { proxy, producer, lab } = await startThree()
  const jobs = producer.queue<number>('jobs', once)
  await jobs.publish(0)
  await proxy.set('p00', { kind: 'lostAck', p: 1, seed: 1 })
  await expect(jobs.publish(1)).rejects.toMatchObject({ definite: false })
  expect(await stored(lab)).toBe(2)
  await proxy.heal('p00')
  await jobs.publish(2)
  expect(await stored(lab)).toBe(3)
})

testRedis('one of many answers is lost: nobody is told less than what was stored', async () => {
  const { proxy, producer, lab } = await startThree()
  const jobs = producer.queue<number>('jobs', once)
  await jobs.publish(0)
  await proxy.set('p00', { kind: 'lostAck', p: 0.05, seed: 6 })
  const count = { ok: 1, info: 0, fail: 0 }
  for (let n = 1; n <= 100; n++) {
    const outcome = await jobs.publish(n).then(
      () => 'ok' as const,
      ({ definite }: { definite: boolean }) => (definite ? 'fail' : 'info'),
    )
    count[outcome]++
  }
  expect(count.info).toBeGreaterThan(0)
  expect(count.ok + count.info + count.fail).toBe(101)
  const all = await stored(lab)
  expect(all).toBeGreaterThanOrEqual(count.ok)
  expect(all).toBeLessThanOrEqual(count.ok + count.info)
})

testRedis('half: answers are held, so a publish has no answer, and was stored', async () => {
  const { proxy, producer, lab } = await startThree()
  const timeoutMs = 500
  const jobs = producer.queue<number>('jobs', { publish: { retry: false, timeoutMs } })
  await jobs.publish(0)
  await proxy.set('p00', { kind: 'half', held: 'down' })
  await expect(jobs.publish(1)).rejects.toMatchObject({ code: 'TIMEOUT', definite: false })
  expect(await stored(lab)).toBe(2)
})

const hinder = [
  { kind: 'delay', ms: 3, jitterMs: 5, seed: 3 },
  { kind: 'rate', bytesPerSecond: 200_000 },
  { kind: 'slice', bytes: 3 },
] as const

testRedis.for(hinder)('$kind: a queue works as ever', async (rule) => {
  const { proxy, producer, worker } = await startThree()
  for (const name of ['p00', 'w00']) await proxy.set(name, rule)
  const seen: string[] = []
  const subscription = worker.queue<string>('jobs').subscribe((text) => void seen.push(text))
  await subscription.ready()
  const sent = Array.from({ length: 50 }, (_, n) => `${n} ${'ä'.repeat(n * 10)}`)
  await Promise.all(sent.map((text) => producer.queue<string>('jobs', once).publish(text)))
  await expect.poll(() => seen.length, patience).toBe(50)
  expect(seen.toSorted()).toEqual(sent.toSorted())
})

testRedis('reset again and again: a queue loses nothing that was stored', async () => {
  const { proxy, producer, worker, lab } = await startThree()
  const wish = { dedupe: { on: 'publish' } } as const
  const seen = new Set<number>()
  const subscription = worker.queue<number>('jobs', wish).subscribe((n) => void seen.add(n))
  subscription.on('error', () => {}) // its cuts
  const jobs = producer.queue<number>('jobs', wish)
  for (let n = 0; n < 100; n++) {
    const publishing = jobs.publish(n)
    if (n % 25 === 5)
      await Promise.all(['p00', 'w00'].map((name) => proxy.set(name, { kind: 'reset' })))
    await publishing
  }
  await expect.poll(() => seen.size, patience).toBe(100)
  expect(await stored(lab)).toBe(100)
})
