import { expect, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import { obtainRedis } from '../../src/lab/brokers/obtainRedis.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('redis', () => {
  test.for(['list', 'stream'])('what is due at once keeps its order, on a %s', async (queue) => {
    const { redis: server } = await obtainRedis()
    await using _ = server
    await using bus = await connect(`${server?.url}?queue=${queue}`, { telemetry: false })
    const channel = bus.queue<number>('due', { order: 'key' })
    const numbers = Array.from({ length: 12 }, (_, n) => n)
    const options = { key: 'k', delayMs: 300 }
    await channel.publishMany(numbers.map((data) => ({ data, options })))
    const got: number[] = []
    const worker = channel.subscribe((data) => void got.push(data))
    await expect.poll(() => got, { timeout: 10_000 }).toHaveLength(12)
    await worker.drain()
    expect(got).toEqual(numbers)
  })
})
