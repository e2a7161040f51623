import assert from 'node:assert/strict'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../src/connect.ts'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { Count } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
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
import { cliWorld } from '../e2e/cliRun.ts'
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

  /** A replica that hears of every change from now on, not of the state that they lead to. */
  async function replicaOf({ url, port }: RedisServer, signal: AbortSignal) {
    const replica = await startRedis({ args: ['--replicaof', `127.0.0.1 ${port}`] })
    onTestFinished(() => replica.stop())
    const offset = /(?:master|slave)_repl_offset:(\d+)/
    const isSame = async () => {
      const all = [url, replica.url].map(async (one) => String(await askRedis(one, 'INFO')))
      const [first, second] = (await Promise.all(all)) as [string, string]
      const isLinked = second.includes('master_link_status:up')
      return isLinked && offset.exec(first)?.[1] === offset.exec(second)?.[1]
    }
    const caughtUp = async () => {
      while (!(await isSame())) signal.throwIfAborted()
    }
    await caughtUp()
    return { replica, caughtUp }
  }

  /** Resolves to what brings another run of the server that knows what this one has stored. */
  const anotherRun = {
    restart: async (server: RedisServer) => async () => {
      await server.kill()
      await server.restart()
      return server
    },
    async failover(server: RedisServer, signal: AbortSignal) {
      const { replica, caughtUp } = await replicaOf(server, signal)
      return async () => {
        await caughtUp()
        await server.kill()
        await askRedis(replica.url, 'REPLICAOF', 'NO', 'ONE')
        return replica
      }
    },
  }

  // Neither its log nor a replica is told how many a group has read.
  for (const [how, waiting] of [
    ['restart', 8],
    ['restart', 12_000],
    ['failover', 8],
  ] as const) {
    test(`counts on after a ${how}, with ${waiting} waiting`, async ({ signal }) => {
      const args = ['--repl-diskless-sync-delay', '0']
      await using server = await startRedis({ profile: 'always', args })
      const next = await anotherRun[how](server, signal)
      const before = await worldAt(server, signal)
      const channel = await declare(before)
      const opened = await openReader(before, channel)
      await publish(before, channel, several(12 + waiting))
      await ack(before, opened, await take(before, opened, 12))
      assert.deepEqual(await lagsOf(before, channel), [waiting])
      const after = await worldAt(await next(), signal)
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

describeRedis('a copy that was redriven to one group', () => {
  test('says for which it is, and no other lags for it once it has read', async () => {
    await using server = await startRedis()
    await using bus = await connect(server.url, { telemetry: false })
    const orders = bus.stream<number>('orders')
    const ref = { name: 'orders', pattern: 'stream' } as const
    const dies = orders.subscribe(() => ({ kind: 'dead', reason: 'no' }), { group: 'mail' })
    const reads = orders.subscribe(() => {}, { group: 'shipping' })
    await Promise.all([dies.ready(), reads.ready()])
    const { id } = await orders.publish(1)
    const depth = async () => (await bus.admin.depths([ref]))[0]
    await expect.poll(depth).toMatchObject({ dead: 1, waiting: 0, inFlight: 0 })
    await Promise.all([dies.drain(), reads.drain()])
    const page = { cursor: null, limit: 9, newestFirst: false }
    const { items } = await bus.admin.deadLetters(ref, 'mail', page)
    await bus.admin.redrive(
      ref,
      items.map((one) => one.ref),
      null,
    )
    using world = cliWorld()
    const words = ['messages', 'ls', 'orders', '-u', server.url]
    const { stdout } = await world.run(words)
    assert.equal(stdout.match(/waiting, for group mail/g)?.length, 1)
    const { stdout: json } = await world.run([...words, '--json'])
    const said = JSON.parse(json) as {
      items: { id: string; position: string; group: string | null }[]
    }
    assert.deepEqual(
      said.items.map((one) => [one.id, one.group]),
      [
        [id, 'mail'],
        [id, null],
      ],
    )
    await askRedis(server.url, 'XDEL', 'orders', said.items[1]?.position ?? '')
    const shown = await world.run(['messages', 'show', 'orders', id, '-u', server.url])
    assert.match(shown.stdout, /^state {5}waiting, for group mail, attempt 1/m)
    const again = orders.subscribe(() => assert.fail('it is for another'), { group: 'shipping' })
    const lag = async () =>
      (await bus.admin.groups(ref)).find(({ group }) => group === 'shipping')?.lag
    assert.equal(typeof (await lag()), 'number')
    await expect.poll(lag).toBe(0)
    await again.drain()
  })
})
