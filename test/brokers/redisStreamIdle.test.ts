import assert from 'node:assert/strict'
import { createClient } from '@redis/client'
import { test } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import {
  declare,
  type Opened,
  openReader,
  outgoing,
  publisherOf,
  receive,
  settle,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

const count = 100

describeRedis('a reader of a stream that mostly waits', () => {
  for (const [room, looks] of [
    [10, 1],
    [1, 2],
  ] as const) {
    test(`with room for ${room} it looks ${looks} times for each message`, async ({ signal }) => {
      await using server = await startRedis()
      const driver = redis({ url: server.url })
      await using world = await createWorld({ driver, pattern: 'stream', signal })
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await using publisher = await publisherOf(world, channel)
      const client = await createClient({ url: server.url }).connect()
      using _ = { [Symbol.dispose]: () => client.destroy() } // before its server ends
      const readsOf = async () =>
        Number(/cmdstat_xreadgroup:calls=(\d+)/.exec(await client.info('commandstats'))?.[1])
      /** It asks for nothing any more. */
      const resting = async () => {
        for (let before = -1, now = await readsOf(); now !== before; ) {
          for (let n = 0; n < 5; n++) await client.ping()
          before = now
          now = await readsOf()
        }
      }
      const passOne = async (id: string, reader: Opened) => {
        const receiving = receive(world, reader, { messages: room })
        await resting()
        await publisher.publish([outgoing(id)], signal)
        const [got] = await receiving
        assert.equal(got?.message.id, id)
        const [outcome] = await settle(world, reader, [{ token: got.token, kind: 'ack' }])
        assert.equal(outcome, 'settled')
      }
      for (let n = 0; n < 3; n++) await passOne(`first${n}`, opened) // it has learned that it waits
      const [before, startMs] = [await readsOf(), performance.now()]
      for (let n = 0; n < count; n++) await passOne(`m${n}`, opened)
      const reads = (await readsOf()) - before
      // It looks every second besides, and once more where a call came late.
      const seconds = Math.ceil((performance.now() - startMs) / 1_000)
      assert.ok(reads <= (looks + 0.5) * count + seconds, `${reads} reads in ${seconds} s`)
    })
  }

  test('what comes between two takes is taken without a wait', async ({ signal }) => {
    await using server = await startRedis()
    const driver = redis({ url: server.url })
    await using world = await createWorld({ driver, pattern: 'stream', signal })
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await using publisher = await publisherOf(world, channel)
    const ids: string[] = []
    const takeSome = async () => {
      for (const { token, message } of await receive(world, opened)) {
        ids.push(message.id)
        await settle(world, opened, [{ token, kind: 'ack' }])
      }
    }
    for (let n = 0; n < count; n += 2) {
      const taking = takeSome() // it waits
      await publisher.publish([outgoing(`m${n}`)], signal)
      await taking
      await publisher.publish([outgoing(`m${n + 1}`)], signal)
      await opened.source.renew(null, signal) // by then it was called
      await takeSome()
    }
    // Each call that it misses costs it a second: so this would not end in time.
    assert.deepEqual(
      ids,
      Array.from({ length: count }, (_, n) => `m${n}`),
    )
  })
})
