import assert from 'node:assert/strict'
import { afterAll, beforeAll, onTestFinished, test } from 'vitest'
import type { Ordering } from '../../src/core/channel.ts'
import type { Delivery } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import {
  ack,
  declare,
  openReader,
  outgoing,
  publish,
  settle,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

const bodies: Readonly<Record<string, string | Uint8Array>> = {
  text: '{"a":1}',
  bytes: Uint8Array.of(0, 255, 0xe2, 0x82),
  likeText: Uint8Array.of(0x61),
  replaced: '"\ufffd"',
  wide: '"€"',
}

describeRedis('bytes in a stream', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  for (const order of ['none', 'block'] satisfies Ordering[]) {
    test(`order ${order}: each body comes as it went, and again`, async ({ signal }) => {
      const driver = redis({ url: server.url, queue: 'stream' })
      const world = await createWorld({ driver, pattern: 'queue', signal })
      onTestFinished(() => world[Symbol.asyncDispose]())
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order })
      const names = Object.keys(bodies)
      const sent = [...names, ...names].map((name, n) =>
        outgoing(`${name}-${n}`, { body: bodies[name] as string | Uint8Array }),
      )
      await publish(world, channel, sent)
      const check = (deliveries: readonly Delivery[]) => {
        const read = deliveries.map(({ message: { id, body, bytes } }) => {
          assert.equal(bytes, Buffer.byteLength(body))
          return [id, typeof body === 'string' ? body : [...body]]
        })
        const written = sent.map(({ id, body }) => [
          id,
          typeof body === 'string' ? body : [...body],
        ])
        assert.deepEqual(read, written)
      }
      for (const room of [{ messages: 1 }, { messages: 3 }, {}]) {
        const got = await take(world, opened, sent.length, room)
        check(got)
        const back = got.map(({ token }) => ({ token, kind: 'release', delayMs: 0 }) as const)
        await settle(world, opened, back)
      }
      const got = await take(world, opened, sent.length)
      check(got)
      await ack(world, opened, got)
    })
  }
})
