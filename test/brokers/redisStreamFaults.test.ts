import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createClient } from '@redis/client'
import { afterAll, beforeAll, onTestFinished, test } from 'vitest'
import type { ChannelSpec } from '../../src/core/channel.ts'
import type { Delivery, Settlement } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { type Bus, connect } from '../../src/index.ts'
import { askRedis } from '../../src/lab/brokers/askRedis.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import type { RedisServer } from '../../src/lab/brokers/redisServer.ts'
import type { World } from '../../src/testing/conformance/case.ts'
import {
  ack,
  declare,
  eventually,
  idsOf,
  openReader,
  outgoing,
  publish,
  publisherOf,
  settle,
  several,
  take,
  takeNothing,
} from '../../src/testing/conformance/steps.ts'
import { createWorld } from '../../src/testing/conformance/world.ts'
import { describeRedis } from './redisHere.ts'

const group = 'first-group'

describeRedis('what others do to a stream', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  const ask = async (...command: string[]) => await askRedis(server.url, ...command)

  async function worldOf(signal: AbortSignal): Promise<World> {
    const driver = redis({ url: server.url, queue: 'stream' })
    const world = await createWorld({ driver, pattern: 'stream', signal })
    onTestFinished(() => world[Symbol.asyncDispose]())
    return world
  }

  async function busOf(): Promise<Bus> {
    const bus = (await connect(server.url, { telemetry: false })) as Bus
    onTestFinished(() => bus.close({ timeoutMs: 1_000 }))
    return bus
  }

  for (const how of ['XGROUP DESTROY', 'DEL']) {
    test(`${how}: a waiting subscription tells it, and hears again`, async ({ signal }) => {
      const name = `gone.${how.length}`
      const channel = (await busOf()).stream<number>(name)
      const got: number[] = []
      const heard = new EventTarget()
      const handler = (data: number) => {
        got.push(data)
        heard.dispatchEvent(new Event('one'))
      }
      const subscription = channel.subscribe(handler, { group: 'mail' })
      const codes: string[] = []
      subscription.on('error', ({ error }) => codes.push(error.code))
      await subscription.ready()
      const first = once(heard, 'one', { signal })
      await channel.publish(1)
      await first
      await (how === 'DEL' ? ask('DEL', name) : ask('XGROUP', 'DESTROY', name, 'mail'))
      const second = untilGot(heard, () => got.includes(2), signal)
      await channel.publish(2)
      await second
      assert.ok(codes.includes('NOT_FOUND'), codes.join())
    })
  }

  test('a message that another consumer has claimed is late, and stays its', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(2))
    const [mine, theirs] = await take(world, opened, 2)
    assert.ok(mine && theirs)
    await ask('XCLAIM', channel.name, group, 'other', '0', positionOf(theirs))
    const both = [mine, theirs].map(({ token }): Settlement => ({ token, kind: 'ack' }))
    assert.deepEqual(await settle(world, opened, both), ['settled', 'late'])
    assert.deepEqual(await pendingOf(channel), [[positionOf(theirs), 'other']])
  })

  test('what is settled in parts and in any order finds each of its own', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    // Neither their lengths nor their texts are in their order.
    const foreign = ['5-9', '5-100', '6-1', '7-100', '8-100', '10-1', '11-1', '12-1', '100-100']
    for (const id of foreign) await ask('XADD', channel.name, id, 'data', '1')
    const opened = await openReader(world, channel)
    await publish(world, channel, several(31))
    const got = await take(world, opened, 40)
    const theirs = [got[1], got[20]] as Delivery[]
    await ask('XCLAIM', channel.name, group, 'other', '0', ...theirs.map(positionOf))
    const error = { name: 'Error', message: 'no', worker: 'w', atMs: 1 }
    const settlementOf = ({ token }: Delivery, n: number): Settlement => {
      if (n % 5 === 0) return { token, kind: 'ack', remember: { id: `m${n}`, keepMs: 1_000 } }
      if (n % 7 === 0) return { token, kind: 'retry', delayMs: 60_000, failures: 1, error }
      return { token, kind: 'ack' }
    }
    const all = got.map((one, n) => ({ one, settlement: settlementOf(one, n) }))
    const parts = [all.filter((_, n) => n % 3 === 1), all.filter((_, n) => n % 3 !== 1)]
    for (const part of parts) {
      const mixed = part
        .toReversed()
        .toSorted((a, b) => (a.one.token.serial % 4) - (b.one.token.serial % 4))
      const batch = mixed.map(({ settlement }) => settlement)
      const late = mixed.map(({ one }) => (theirs.includes(one) ? 'late' : 'settled'))
      assert.deepEqual(await settle(world, opened, batch), late)
    }
    const left = await pendingOf(channel)
    const retried = all.filter(
      ({ one, settlement: { kind } }) => kind === 'retry' && !theirs.includes(one),
    )
    const waiting = retried.map(({ one }) => [positionOf(one), 'narrowcast'])
    const claimed = theirs.map((one) => [positionOf(one), 'other'])
    assert.deepEqual(left.toSorted(), [...waiting, ...claimed].toSorted())
  })

  test('a later delivery of a message to the same consumer voids the one before', async ({
    signal,
  }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(3))
    const got = await take(world, opened, 3)
    await ask('XCLAIM', channel.name, group, opened.name, '0', positionOf(got[0] as Delivery))
    const acks = got.map(({ token }): Settlement => ({ token, kind: 'ack' }))
    assert.deepEqual(await settle(world, opened, acks), ['late', 'settled', 'settled'])
    assert.deepEqual(await pendingOf(channel), [[positionOf(got[0] as Delivery), opened.name]])
  })

  test('a renewal tells what another consumer has claimed', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(3))
    const [, second] = await take(world, opened, 3)
    assert.ok(second)
    assert.deepEqual(await opened.source.renew(null, signal), [])
    await ask('XCLAIM', channel.name, group, 'other', '0', positionOf(second))
    assert.deepEqual(await opened.source.renew(null, signal), [second.token])
    assert.deepEqual(opened.lost, [{ tokens: [second.token], why: 'revoked' }])
  })

  test('what a silent consumer of others holds comes back, charged', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel, { leaseMs: 400 })
    await publish(world, channel, several(1))
    await ask('XREADGROUP', 'GROUP', group, 'other', 'STREAMS', channel.name, '>')
    await takeNothing(world, opened, 300)
    const [back] = await take(world, opened, 1)
    assert.deepEqual([back?.message.id, back?.crashes], ['m0', 1])
  })

  test('what waits again is found where its helper key was removed', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(1))
    const [first] = await take(world, opened, 1)
    assert.ok(first)
    await settle(world, opened, [{ token: first.token, kind: 'release', delayMs: 60_000 }])
    assert.equal(await ask('DEL', `{${channel.name}}:retry:${group}`), 1)
    // It looks after ten of its leases, and has nothing in hand that it could lose by one.
    const [back] = await take(world, await openReader(world, channel, { leaseMs: 400 }), 1)
    assert.deepEqual([back?.message.id, back?.crashes], ['m0', 0])
  })

  test('what was deleted while it waited again is told, and the rest goes on', async ({
    signal,
  }) => {
    for (const order of ['none', 'block'] as const) {
      const world = await worldOf(signal)
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order })
      const keyed = several(2).map((one) => ({ ...one, key: 'a' }))
      await publish(world, channel, keyed)
      const [first] = await take(world, opened, 1)
      assert.ok(first)
      await settle(world, opened, [{ token: first.token, kind: 'release', delayMs: 0 }])
      await ask('XDEL', channel.name, positionOf(first))
      const seen: string[] = []
      const codes: string[] = []
      for (let n = 0; n < 4 && seen.length < 1; n++) {
        const some = await opened.source
          .receive({ messages: 9, bytes: 9_000 }, signal)
          .catch((error: { code: string }) => {
            codes.push(error.code)
            return []
          })
        seen.push(...idsOf(some))
      }
      assert.deepEqual([codes, seen], [['STORE_UNUSABLE'], ['m1']])
    }
  })

  test('a consumer goes with its reader, and none with what it holds', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(3))
    const held = await take(world, opened, 3)
    await ack(world, opened, held.slice(0, 1))
    await opened.source[Symbol.asyncDispose]()
    const consumers = (await ask('XINFO', 'CONSUMERS', channel.name, group)) as { name: string }[]
    assert.deepEqual(
      consumers.map(({ name }) => name),
      ['narrowcast'],
    )
    assert.equal((await pendingOf(channel)).length, 2)
    const keys = (await ask('KEYS', `{${channel.name}}:reader:*`)) as string[]
    assert.deepEqual(keys, [])
  })

  test('a full server refuses to publish, and is drained', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(50))
    await ask('CONFIG', 'SET', 'maxmemory', '1')
    onTestFinished(async () => void (await ask('CONFIG', 'SET', 'maxmemory', '0')))
    await using publisher = await publisherOf(world, channel)
    const [outcome] = await publisher.publish([outgoing('more')], signal)
    assert.deepEqual(
      [outcome?.state, outcome?.state === 'refused' && outcome.code],
      ['refused', 'UNAVAILABLE'],
    )
    const got = await take(world, opened, 50)
    const [first, second, ...rest] = got
    assert.ok(first && second)
    await settle(world, opened, [{ token: first.token, kind: 'release', delayMs: 0 }])
    await ack(world, opened, rest)
    await ack(world, opened, [second, ...(await take(world, opened, 1))])
  })

  test('a publish forgets one step of what may go, and the next ones the rest', async ({
    signal,
  }) => {
    const world = await worldOf(signal)
    const channel = await declare(world, { retention: { ageMs: null, messages: 10, bytes: null } })
    const client = await createClient({ url: server.url }).connect()
    onTestFinished(() => client.destroy())
    const all = several(5_000).map(({ id }) => client.xAdd(channel.name, '*', { data: '1', id }))
    await Promise.all(all)
    await using publisher = await publisherOf(world, channel)
    const stored = async () => Number(await ask('XLEN', channel.name))
    const lengths: number[] = []
    for (let n = 0; n < 9; n++) {
      const [outcome] = await publisher.publish([outgoing(`last-${n}`)], signal)
      assert.equal(outcome?.state, 'stored')
      lengths.push(await stored())
    }
    assert.ok((lengths[0] ?? 0) > 3_000, `${lengths}`)
    // Whose second begins anew leaves what was stored since.
    assert.ok((lengths.at(-1) ?? 0) <= 19, `${lengths}`)
  })

  test('a source that another one replaces is closed, and leaves it what it holds', async ({
    signal,
  }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const opened = await openReader(world, channel)
    await publish(world, channel, several(2))
    const held = await take(world, opened, 2)
    // It ends with nothing, or is told already.
    const waiting = opened.source.receive({ messages: 1, bytes: 1 }, signal).catch(() => [])
    const holding = held.map(({ token }) => token)
    const next = await openReader(world, channel, { reader: opened.name, holding })
    assert.deepEqual(await waiting, [])
    const late = opened.source.receive({ messages: 1, bytes: 1 }, signal)
    await assert.rejects(late, { code: 'CLOSED' })
    await opened.source[Symbol.asyncDispose]()
    await ack(world, next, held)
    assert.deepEqual(await pendingOf(channel), [])
    const worker = { id: `worker-${opened.name}`, incarnation: 'one' }
    const { source } = await openReader(world, channel, { worker })
    await assert.rejects(next.source.renew(null, signal), { code: 'CLOSED' })
    await source.renew(null, signal)
  })

  test('a reader that may not listen is refused, and leaves nothing', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    await openReader(world, channel)
    await ask('ACL', 'SETUSER', 'mute', 'on', 'nopass', '~*', '+@all', 'resetchannels')
    const url = server.url.replace('redis://', 'redis://mute:any@')
    const session = await redis({ url }).open({ closed: () => {} }, signal)
    onTestFinished(() => session[Symbol.asyncDispose]())
    await assert.rejects(openReader(world, channel, { session }), { code: 'LOGIN_REFUSED' })
    const keys = (await ask('KEYS', `{${channel.name}}:reader:*`)) as string[]
    assert.equal(keys.length, 1)
  })

  test('a lost reply of a take is found again, uncharged', async ({ signal }) => {
    const world = await worldOf(signal)
    const channel = await declare(world)
    const session = await world.open()
    const opened = await openReader(world, channel, { session })
    const [held] = await (async () => {
      await publish(world, channel, several(1))
      return await take(world, opened, 1)
    })()
    await publish(world, channel, several(5, 'n'))
    // As if the connection had broken before the reply: it is in the list of the reader.
    await ask('XREADGROUP', 'GROUP', group, opened.name, 'COUNT', '3', 'STREAMS', channel.name, '>')
    assert.ok(held)
    const again = await openReader(world, channel, { reader: opened.name, holding: [held.token] })
    const got = await take(world, again, 5)
    assert.deepEqual(idsOf(got), ['n0', 'n1', 'n2', 'n3', 'n4'])
    assert.ok(got.every(({ crashes }) => crashes === 0))
    await ack(world, again, [held, ...got])
    await eventually(world, async () => assert.deepEqual(await pendingOf(channel), []))
  })

  async function pendingOf({ name }: ChannelSpec): Promise<string[][]> {
    const list = (await ask('XPENDING', name, group, '-', '+', '100')) as [string, string][]
    return list.map(([id, consumer]) => [id, consumer])
  }
})

const positionOf = ({ position }: Delivery): string => position ?? ''

async function untilGot(heard: EventTarget, isThere: () => boolean, signal: AbortSignal) {
  while (!isThere()) await once(heard, 'one', { signal })
}
