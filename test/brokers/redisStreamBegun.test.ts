import assert from 'node:assert/strict'
import { createClient } from '@redis/client'
import { test } from 'vitest'
import { redis } from '../../src/drivers/redis/index.ts'
import { groupKeys } from '../../src/drivers/redis/stream/keys.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import {
  declare,
  openReader,
  outgoing,
  publish,
  publisherOf,
  receive,
  settle,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

const marked = { charge: 'marked' } as const
const begins = true
/** It is to end, and not before a busy machine has done what is done in it. */
const leaseMs = 2_000

describeRedis('a take from a stream that marks', () => {
  test('charges what it returned, and not what it gave back for its size', async ({ signal }) => {
    await using server = await startRedis()
    const driver = redis({ url: server.url })
    await using world = await createWorld({ driver, pattern: 'stream', signal })
    const channel = await declare(world)
    const dying = await openReader(world, channel, { ...marked, leaseMs })
    await publish(world, channel, ['first', 'small', 'large', 'larger'].map(sized))
    await take(world, dying, 1, { begins }) // it knows the stream to be plain from here on
    const got = await receive(world, dying, { messages: 3, bytes: 300, begins })
    assert.deepEqual(
      got.map(({ message, isBegun }) => [message.id, isBegun]),
      [['small', true]],
    )
    await world.pass(1.5 * leaseMs)
    const opened = await openReader(world, channel, marked)
    const again = await take(world, opened, 4, { begins })
    const crashes = again.map(({ message, crashes }) => [message.id, crashes])
    assert.deepEqual(Object.fromEntries(crashes), { first: 0, small: 1, large: 0, larger: 0 })
    assert.ok(!again.some((one) => one.isBegun && one.crashes !== 0))
  })

  test('leaves no marks behind of what was settled', async ({ signal }) => {
    await using server = await startRedis()
    const driver = redis({ url: server.url })
    await using world = await createWorld({ driver, pattern: 'stream', signal })
    const channel = await declare(world)
    const reader = await openReader(world, channel, { ...marked, group: 'mail' })
    await using publisher = await publisherOf(world, channel)
    let begun = 0
    for (let n = 0; n < 50; n++) {
      await publisher.publish([outgoing(`m${n}`)], signal)
      const [one] = await receive(world, reader, { messages: 1, begins })
      assert.ok(one)
      if (one.isBegun) begun++
      await settle(world, reader, [{ token: one.token, kind: 'ack' }])
    }
    assert.ok(begun >= 45, `${begun} of 50 were marked by their take`)
    const client = await createClient({ url: server.url }).connect()
    using _ = { [Symbol.dispose]: () => client.destroy() } // before its server ends
    const self = groupKeys(channel.name, 'mail', reader.name)[5] as string
    const fields = await client.hKeys(self)
    assert.ok(fields.includes('opened'))
    assert.ok(fields.filter((name) => name.startsWith('begun:')).length <= 2, fields.join())
  })
})

function sized(id: string) {
  return { ...outgoing(id), body: JSON.stringify('x'.repeat(id === 'small' ? 10 : 300)) }
}
