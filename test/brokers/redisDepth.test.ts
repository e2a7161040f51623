import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis } from './redisHere.ts'

const name = 'orders'
const orders = { name, pattern: 'queue' } as const
const page = { cursor: null, limit: 9, newestFirst: false, from: 'first' } as const

async function serving(engine: string) {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const url = `${server.url}?queue=${engine}`
  const bus = await connect(url, { telemetry: false })
  onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
  const depth = async () => (await bus.admin.depths([orders]))[0]
  return { url, bus, depth }
}

describeRedis.each(['list', 'stream'])('what a dead reader had on a %s', (engine) => {
  test('waits when its lease is over, though nobody reads, and is charged as a take would', async () => {
    const { url, bus, depth } = await serving(engine)
    const queue = bus.queue<number>(name, { leaseMs: 300 })
    for (let n = 0; n < 5; n++) await queue.publish(n)
    await hold(url, 3)
    await expect.poll(depth).toMatchObject({ waiting: 5, inFlight: 0 })
    expect((await depth())?.oldestMs).toBeGreaterThanOrEqual(300)
    const crashes = [1, 1, 1, 0, 0]
    await expect(states(bus)).resolves.toEqual(crashes.map((count) => ['waiting', count]))
    expect(await bus.admin.purge(orders)).toBe(5)
    expect(await depth()).toMatchObject({ waiting: 0, inFlight: 0, stored: 0 })
  })

  test.for(['peek', 'message', 'purge'] as const)(
    'is found so by %s, without a depth before',
    async (how) => {
      const { url, bus } = await serving(engine)
      await bus.queue<number>(name, { leaseMs: 300 }).publish(1, { id: 'a' })
      await hold(url, 1)
      const looks = {
        peek: async () => (await states(bus))[0]?.[0] === 'waiting',
        message: async () => (await bus.admin.message(orders, 'a'))?.state === 'waiting',
        purge: async () => (await bus.admin.purge(orders)) === 1,
      }
      await expect.poll(looks[how]).toBe(true)
    },
  )
})

describeRedis.each(['list', 'stream'])('the oldest that waits on a %s has an age', (engine) => {
  test('before the first worker has come', async () => {
    const { bus, depth } = await serving(engine)
    await bus.queue<number>(name).publish(1)
    await expect.poll(async () => (await depth())?.oldestMs).toBeGreaterThan(0)
  })

  test('when it was delayed, is due, and nobody reads: since it is due', async () => {
    const { bus, depth } = await serving(engine)
    const beganMs = performance.now()
    await bus.queue<number>(name).publish(1, { delayMs: 300 })
    await expect.poll(depth).toMatchObject({ waiting: 1, oldestMs: expect.any(Number) })
    await expect.poll(async () => (await depth())?.oldestMs).toBeGreaterThan(0)
    const found = await depth()
    expect(found?.oldestMs).toBeLessThan(performance.now() - beganMs - 290)
  })

  test('when it has failed, its pause is over, and nobody reads', async () => {
    const { bus, url, depth } = await serving(engine)
    const queue = bus.queue<unknown>(name, { backoff: { delayMsMin: 100, delayMsMax: 100 } })
    await queue.opened()
    if (engine === 'list') await askRedis(url, 'LPUSH', name, 'null')
    else await askRedis(url, 'XADD', name, '*', 'data', 'null')
    const failing = Promise.withResolvers<void>()
    const worker = queue.subscribe(() => {
      failing.resolve()
      throw new Error('not today')
    })
    await failing.promise
    await worker.drain()
    await expect.poll(depth).toMatchObject({ waiting: 1 })
    await expect.poll(async () => (await depth())?.oldestMs).toBeGreaterThan(0)
    await expect(states(bus)).resolves.toEqual([['waiting', 0]])
  })
})

async function states(bus: Awaited<ReturnType<typeof connect>>) {
  const { items } = await bus.admin.peek(orders, page)
  const all = items.map(({ state, crashes }) => [state, crashes] as const)
  return all.sort(([, a], [, b]) => Number(b) - Number(a))
}

/** A reader that takes so many, and is never heard of again. */
async function hold(url: string, count: number): Promise<void> {
  const signal = new AbortController().signal
  const session = await redis({ url }).open({ closed: () => {} }, signal)
  onTestFinished(() => session[Symbol.asyncDispose]())
  const channel: ChannelSpec = {
    ...{ name, pattern: 'queue', via: 'direct', envelope: true, leaseMs: 300 },
    ...{ payloadBytesMax: 1_000, dedupeWindowMs: null },
    retention: { ageMs: null, messages: null, bytes: null },
  }
  const room = { messages: count, bytes: 1e9 }
  const reader: ReaderSpec = {
    ...{ reader: 'dead', worker: { id: 'dead', incarnation: '1' }, group: null, holding: [] },
    ...{ hold: room, leaseMs: 300, charge: 'taken', from: 'first', order: null },
  }
  const source = await session.source(channel, reader, { lost: () => {} }, signal)
  for (let taken = 0; taken < count; ) {
    taken += (await source.receive({ ...room, messages: count - taken }, signal)).length
  }
}
