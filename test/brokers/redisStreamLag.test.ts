import assert from 'node:assert/strict'
import { onTestFinished, test } from 'vitest'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { Count } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import type { World } from '../../src/testing/conformance/case.ts'
import {
  ack,
  declare,
  openReader,
  publish,
  several,
  take,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

describeRedis('the lag of a group', () => {
  async function worldAt(server: RedisServer, signal: AbortSignal): Promise<World> {
    const driver = redis({ url: server.url })
    const world = await createWorld({ driver, pattern: 'stream', signal })
    onTestFinished(() => world[Symbol.asyncDispose]())
    return world
  }

  const lagsOf = async ({ session, signal }: World, channel: ChannelSpec): Promise<Count[]> => {
    const groups = (await session.admin.groups?.(channel, signal)) ?? []
    return groups.map(({ lag }) => lag)
  }

  // Neither its log nor a replica is told how many a group has read.
  for (const waiting of [8, 12_000]) {
    test(`counts on after a restart, with ${waiting} waiting`, async ({ signal }) => {
      await using server = await startRedis({ profile: 'always' })
      const before = await worldAt(server, signal)
      const channel = await declare(before)
      const opened = await openReader(before, channel)
      await publish(before, channel, several(12 + waiting))
      await ack(before, opened, await take(before, opened, 12))
      assert.deepEqual(await lagsOf(before, channel), [waiting])
      await server.kill()
      await server.restart()
      const after = await worldAt(server, signal)
      const expected = waiting > 10_000 ? 'unknown' : waiting
      assert.deepEqual(await lagsOf(after, channel), [expected], 'before anybody reads')
      const again = await openReader(after, channel)
      assert.deepEqual(await lagsOf(after, channel), [expected], 'when it is read')
      for (let left = waiting; left > 0; left -= 1_000) {
        await ack(after, again, await take(after, again, Math.min(left, 1_000)))
      }
      assert.deepEqual(await lagsOf(after, channel), [0])
      await publish(after, channel, several(3, 'more'))
      assert.deepEqual(await lagsOf(after, channel), [3])
      await ack(after, again, await take(after, again, 2))
      assert.deepEqual(await lagsOf(after, channel), [1])
    })
  }
})
