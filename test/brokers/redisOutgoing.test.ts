import assert from 'node:assert/strict'
import { afterAll, beforeAll, onTestFinished, test } from 'vitest'
import type { OutgoingMessage } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import type { World } from '../../src/testing/conformance/case.ts'
import {
  ack,
  declare,
  openReader,
  outgoing,
  publisherOf,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

const tenYearsMs = 10 * 365 * 86_400_000
const bytesMax = 64 * 1024 * 1024

describeRedis('what a driver of Redis does not store', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  for (const queue of ['list', 'stream'] as const) {
    const worldOf = async (signal: AbortSignal): Promise<World> => {
      const driver = redis({ url: server.url, queue })
      const world = await createWorld({ driver, pattern: 'queue', signal })
      onTestFinished(() => world[Symbol.asyncDispose]())
      return world
    }

    test(`${queue}: each fault is named, and spares its neighbours`, async ({ signal }) => {
      const world = await worldOf(signal)
      const channel = await declare(world, { payloadBytesMax: 2 * bytesMax })
      const opened = await openReader(world, channel)
      await using publisher = await publisherOf(world, channel)
      const faults: Readonly<Record<string, Partial<OutgoingMessage>>> = {
        'no time': { timeMs: Number.NaN },
        'half a ms': { timeMs: 1.5 },
        'no date': { timeMs: 8_640_000_000_000_001 },
        past: { delayMs: -1 },
        never: { delayMs: Number.NaN },
        late: { delayMs: tenYearsMs + 1 },
        large: { body: new Uint8Array(bytesMax + 1) },
      }
      const bad = Object.entries(faults).map(([id, over]) => outgoing(id, over))
      const outcomes = await publisher.publish([outgoing('a'), ...bad, outgoing('b')], signal)
      const said = outcomes.map((one) => (one.state === 'refused' ? one.code : one.state))
      const wrong = bad.slice(1).map(() => 'INVALID_ARGUMENT')
      assert.deepEqual(said, ['stored', ...wrong, 'PAYLOAD_TOO_LARGE', 'stored'])
      for (const [at, { id }] of bad.entries()) {
        const outcome = outcomes[at + 1]
        const text = `redis: publish: to "${channel.name}": message ${id} has `
        assert.ok(outcome?.state === 'refused' && outcome.message.startsWith(text))
      }
      const got = await take(world, opened, 2)
      assert.deepEqual(
        got.map(({ message }) => message.id),
        ['a', 'b'],
      )
      await ack(world, opened, got)
    })

    test(`${queue}: two publishes at once keep their order, whatever the server knew`, async ({
      signal,
    }) => {
      await using fresh = await startRedis()
      const worldAt = async () => {
        const driver = redis({ url: fresh.url, queue })
        const world = await createWorld({ driver, pattern: 'queue', signal })
        onTestFinished(() => world[Symbol.asyncDispose]())
        return world
      }
      const [first, second] = [await worldAt(), await worldAt()]
      const channel = await declare(first)
      const delayed = outgoing('later', { key: 'k', delayMs: 60_000 })
      await using known = await publisherOf(first, channel)
      await known.publish([delayed], signal)
      await using publisher = await publisherOf(second, channel)
      const plain = outgoing('plain', { type: channel.name })
      const both = [plain, outgoing('keyed', { key: 'k' })]
      await Promise.all(both.map((message) => publisher.publish([message], signal)))
      const got = await take(second, await openReader(second, channel), 2)
      assert.deepEqual(
        got.map(({ message }) => message.id),
        ['plain', 'keyed'],
      )
    })

    test(`${queue}: a batch of any length is stored, in its order`, async ({ signal }) => {
      const world = await worldOf(signal)
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await using publisher = await publisherOf(world, channel)
      const key = Array.from({ length: 2_500 }, (_, n) => outgoing(`k${n}`, { key: 'k' }))
      const plain = Array.from({ length: 2_500 }, (_, n) =>
        outgoing(`p${n}`, { type: channel.name }),
      )
      const outcomes = await publisher.publish([...key, ...plain], signal)
      assert.ok(outcomes.every(({ state }) => state === 'stored'))
      assert.equal(outcomes.length, 5_000)
      const got = await take(world, opened, 5_000)
      assert.deepEqual(
        got.map(({ message }) => message.id),
        [...key, ...plain].map(({ id }) => id),
      )
    })
  }
})
