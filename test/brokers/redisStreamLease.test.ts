import assert from 'node:assert/strict'
import { createClient } from '@redis/client'
import { test } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { declare, openReader, publish, several, take } from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

const group = 'first-group'

describeRedis('the lease of a reader of a stream', () => {
  test('no lease ends at the server before its owner believes so', async ({ signal }) => {
    await using server = await startRedis()
    const driver = redis({ url: server.url, queue: 'stream' })
    await using world = await createWorld({ driver, pattern: 'stream', signal })
    const channel = await declare(world)
    const client = await createClient({ url: server.url }).connect()
    using _ = { [Symbol.dispose]: () => client.destroy() } // before its server ends
    let opened = await openReader(world, channel)
    const asking = {
      open: async () => {
        opened = await openReader(world, channel)
      },
      renew: () => opened.source.renew(null, signal),
      take: () => take(world, opened, 1),
    }
    await publish(world, channel, several(30))
    for (const [how, ask] of Object.entries(asking)) {
      for (let n = 0; n < 30; n++) {
        // The server's own clock, before it is asked: what it counts from is not earlier.
        const [seconds, micros] = (await client.sendCommand(['TIME'])) as unknown as string[]
        await ask()
        const untilMs = await client.zScore(`{${channel.name}}:readers:${group}`, opened.name)
        const askedMs = Number(seconds) * 1_000 + Number(micros) / 1_000
        assert.ok(Number(untilMs) >= askedMs + channel.leaseMs, `${how}: ${untilMs} ${askedMs}`)
      }
    }
  })
})
