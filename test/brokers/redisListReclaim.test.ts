import { expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis, a list', () => {
  test('20,000 messages that a dead reader held come again', async () => {
    const { redis: server } = await obtainRedis()
    await using _ = server
    const url = server?.url as string
    await using bus = await connect(url, { telemetry: false })
    const count = 20_000
    const held = bus.queue<number>('held') // whose worker's lease is not to end
    await held.publishMany(Array.from({ length: count }, (_, data) => ({ data })))
    await hold(url, count)
    const left = new Set(Array.from({ length: count }, (_, n) => n))
    const done = Promise.withResolvers<void>()
    const worker = held.subscribe(
      (batch) => {
        for (const { data } of batch) left.delete(data)
        if (left.size === 0) done.resolve()
      },
      { batch: { size: 500, waitMsMax: 10 }, concurrency: 1_000 },
    )
    await done.promise
    await worker.drain()
    const [depth] = await bus.admin.depths([{ name: 'held', pattern: 'queue' }])
    expect(depth).toMatchObject({ waiting: 0, inFlight: 0, out: count })
  }, 60_000)
})

/** A reader that takes all of it, and is never heard of again. */
async function hold(url: string, count: number): Promise<void> {
  const signal = new AbortController().signal
  const session = await redis({ url }).open({ closed: () => {} }, signal)
  const channel = {
    name: 'held',
    pattern: 'queue',
    via: 'direct',
    envelope: true,
    leaseMs: 1_000,
    payloadBytesMax: 1_000,
    dedupeWindowMs: null,
    retention: { ageMs: null, messages: null, bytes: null },
  } as const
  const room = { messages: count, bytes: 1e9 }
  const source = await session.source(
    channel,
    {
      reader: 'dead',
      worker: { id: 'dead', incarnation: '1' },
      group: null,
      holding: [],
      hold: room,
      leaseMs: 1_000,
      charge: 'marked',
      from: 'first',
      order: null,
    },
    { lost: () => {} },
    signal,
  )
  for (let taken = 0; taken < count; ) {
    const got = await source.receive({ ...room, messages: count - taken }, signal)
    taken += got.length
  }
}
