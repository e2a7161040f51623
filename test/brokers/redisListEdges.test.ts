import { getEventListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { createClient, RESP_TYPES } from '@redis/client'
import { afterAll, expect, test } from 'vitest'
import type { ChannelSpec, ReaderSpec } from '../../src/core/channel.ts'
import type { Session } from '../../src/core/driver.ts'
import { randomName } from '../../src/core/ids.ts'
import type { DeadLetter, OutgoingMessage, Settlement, Token } from '../../src/core/message.ts'
import { redis } from '../../src/drivers/redis/index.ts'
import { startRedis } from '../../src/lab/brokers/redis.ts'
import { describeRedis, redisProgram } from './redisHere.ts'

const server = redisProgram && (await startRedis())
afterAll(async () => await server?.stop())

const never = new AbortController().signal
const room = { messages: 100, bytes: 1_000_000 }

const letter: DeadLetter = {
  ...{ cause: 'verdict', reason: 'r', error: null, failures: 0, crashes: 0, redrives: 0 },
  ...{ firstFailedMs: null, diedMs: 1, channel: 'c', group: null, worker: 'w' },
}
const error = { name: 'Error', message: 'it broke', worker: 'w', atMs: 1 }

const channelOf = (): ChannelSpec => ({
  ...{ name: `edges.${randomName()}`, pattern: 'queue', via: 'direct', envelope: true },
  ...{ leaseMs: 30_000, payloadBytesMax: 1_000_000, dedupeWindowMs: null },
  retention: { ageMs: null, messages: null, bytes: null },
})

const message = (id: string, over: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  ...{ id, key: null, timeMs: Date.now(), headers: {}, delayMs: 0, redrives: 0, dedupeId: null },
  ...{ type: 't', source: 's', body: JSON.stringify(id) },
  ...over,
})

async function sourceOf(session: Session, channel: ChannelSpec, over: Partial<ReaderSpec> = {}) {
  const reader = `reader-${randomName()}`
  const spec: ReaderSpec = {
    ...{ reader, worker: { id: `worker-${reader}`, incarnation: 'one' }, group: null },
    ...{ holding: [], hold: room, leaseMs: 30_000, charge: 'taken', from: 'first', order: null },
    ...over,
  }
  return await session.source(channel, spec, { lost: () => {} }, never)
}

async function opened() {
  const session = await redis({ url: server?.url as string }).open({ closed: () => {} }, never)
  const client = createClient({ url: server?.url as string })
  await client.connect()
  return {
    session,
    client,
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      client.destroy()
    },
  }
}

const bytesOf = (body: string | Uint8Array | undefined) => Buffer.from(body ?? 'nothing')
const release = (token: Token): Settlement => ({ token, kind: 'release', delayMs: 0 })

describeRedis('a list', () => {
  test('bytes of another program keep their bytes and their id, whatever becomes of them', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    const source = await sourceOf(session, channel)
    for (const body of [
      Buffer.from([0, 1, 0xff, 10]),
      Buffer.from([0xc3, 0x28]),
      Buffer.alloc(0),
    ]) {
      await client.lPush(channel.name, body)
      const query = { cursor: null, limit: 9, newestFirst: false, from: 'first' } as const
      const seen = await session.admin.peek?.(channel, query, never)
      expect(seen?.items.map((one) => bytesOf(one.message.body))).toEqual([body])
      const [look] = (await session.admin.depths?.([channel], never)) ?? []
      expect(look).toMatchObject({ waiting: 1, oldestMs: 'unknown' })
      const [first] = await source.receive(room, never)
      if (!first) throw new Error('nothing came')
      const { id } = first.message
      expect([bytesOf(first.message.body), first.message.bytes]).toEqual([body, body.length])
      let { token } = first
      const steps: Settlement[] = [
        release(token),
        { token, kind: 'retry', delayMs: 0, failures: 1, error },
        { token, kind: 'retry', delayMs: 5, failures: 2, error },
      ]
      for (const step of steps) {
        expect(await source.settle([{ ...step, token }], never)).toEqual(['settled'])
        const [again] = await source.receive(room, never)
        expect([again?.message.id, bytesOf(again?.message.body)]).toEqual([id, body])
        token = again?.token as Token
      }
      await source.settle([{ token, kind: 'dead', letter }], never)
      const page = { cursor: null, limit: 9, newestFirst: false }
      const found = await session.admin.deadLetters?.(channel, null, page, never)
      expect(found?.items.map((one) => [one.message.id, bytesOf(one.message.body)])).toEqual([
        [id, body],
      ])
      await session.admin.redrive?.(channel, [found?.items[0]?.ref ?? ''], null, never)
      const [redriven] = await source.receive(room, never)
      expect([redriven?.message.id, bytesOf(redriven?.message.body)]).toEqual([id, body])
      await source.settle([{ token: redriven?.token as Token, kind: 'ack' }], never)
    }
  })

  test('shows what waits as JSON, and nothing beside it', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    await using publisher = await session.publisher(channel, never)
    await publisher.publish([message('a'), message('b', { key: 'k', headers: { x: 'y' } })], never)
    const shown = (await client.lRange(channel.name, 0, -1)).map((text) => JSON.parse(text))
    expect(shown.map(({ id, data }) => [id, data])).toEqual([
      ['b', 'b'],
      ['a', 'a'],
    ])
    expect(await client.keys(`{${channel.name}}*`)).toEqual([])
  })

  test('a reader that waits finds what a plain producer brings', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    const source = await sourceOf(session, channel)
    const receiving = source.receive(room, never)
    await wait(100) // it has looked, and found nothing
    await client.lPush(channel.name, '{"n":1}')
    expect((await receiving).map(({ message: { body } }) => body)).toEqual(['{"n":1}'])
  })

  test('a full server takes nothing more, and can be drained', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    await using publisher = await session.publisher(channel, never)
    const source = await sourceOf(session, channel)
    await publisher.publish(
      Array.from({ length: 60 }, (_, n) => message(`m${n}`)),
      never,
    )
    await client.configSet('maxmemory', '1')
    try {
      const batch = [message('x'), message('y', { delayMs: 9 })]
      for (const one of batch) {
        const [outcome] = await publisher.publish([one], never)
        expect(outcome).toMatchObject({ state: 'refused', code: 'UNAVAILABLE' })
      }
      const held = await source.receive({ ...room, messages: 40 }, never)
      expect(held).toHaveLength(40)
      const settlements = held.map(({ token }, n): Settlement => {
        if (n < 10) return { token, kind: 'ack' }
        if (n < 20) return release(token)
        if (n < 30) return { token, kind: 'retry', delayMs: 1, failures: 1, error }
        return { token, kind: 'dead', letter }
      })
      const outcomes = await source.settle(settlements, never)
      expect(outcomes).toEqual(Array(40).fill('settled'))
      for (let left = 40; left > 0; ) {
        const some = await source.receive(room, never)
        left -= some.length
        await source.settle(
          some.map(({ token }) => ({ token, kind: 'ack' })),
          never,
        )
      }
      const [depth] = (await session.admin.depths?.([channel], never)) ?? []
      expect(depth).toMatchObject({ stored: 0, dead: 10, out: 50 })
    } finally {
      await client.configSet('maxmemory', '0')
    }
  })

  test('wakes who waits also when a plain producer was there first', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    await using publisher = await session.publisher(channel, never)
    const source = await sourceOf(session, channel)
    const listener = client.duplicate()
    await listener.connect()
    let wakes = 0
    await listener.subscribe(`{${channel.name}}:wake`, () => wakes++)
    // The first publish asks what is there, the next ones know that others wait.
    for (let round = 0; round < 3; round++) {
      const stopped = new AbortController()
      const idle = source.receive(room, stopped.signal)
      await expect.poll(() => client.hGet(`{${channel.name}}:flags`, 'idle')).toBe('1')
      stopped.abort()
      await idle
      const before = wakes
      await client.lPush(channel.name, '1')
      await publisher.publish([message('m')], never)
      await expect.poll(() => wakes).toBeGreaterThan(before)
      for (let left = 2; left > 0; ) left -= (await source.receive(room, never)).length
    }
    listener.destroy()
  })

  test.for(['flags', 'delayed'])(
    'writes nothing where another program has something in the place of its %s',
    async (helper) => {
      await using world = await opened()
      const { session, client } = world
      const channel = channelOf()
      await using publisher = await session.publisher(channel, never)
      await client.set(`{${channel.name}}:${helper}`, 'theirs')
      for (const delayMs of [0, 60_000]) {
        const outcomes = await publisher.publish([message('m', { delayMs }), message('n')], never)
        expect(outcomes.map(({ state }) => state)).not.toContain('stored')
      }
      expect(await client.keys(`*${channel.name}*`)).toEqual([`{${channel.name}}:${helper}`])
    },
  )

  test('has neither groups nor positions', async () => {
    await using world = await opened()
    const { session } = world
    const channel = channelOf()
    await session.admin.ensure(channel, never)
    const { admin } = session
    const no = { code: 'UNSUPPORTED' }
    await expect(admin.groups?.(channel, never)).rejects.toMatchObject(no)
    await expect(admin.seek?.(channel, 'g', 'first', never)).rejects.toMatchObject(no)
    await expect(admin.removeGroup?.(channel, 'g', never)).rejects.toMatchObject(no)
    const page = { cursor: null, limit: 9, newestFirst: false }
    for (const from of [{ id: 'a' }, { timeMs: 1 }, { position: '1' }]) {
      await expect(admin.peek?.(channel, { ...page, from }, never)).rejects.toMatchObject(no)
    }
    const wrong = { code: 'INVALID_ARGUMENT' }
    const cursor = 'no cursor'
    await expect(
      admin.peek?.(channel, { ...page, cursor, from: 'first' }, never),
    ).rejects.toMatchObject(wrong)
    await expect(
      admin.deadLetters?.(channel, null, { ...page, cursor }, never),
    ).rejects.toMatchObject(wrong)
  })

  test('who has a removed message in hand is told, and its settlement is late', async () => {
    await using world = await opened()
    const { session } = world
    const channel = channelOf()
    await using publisher = await session.publisher(channel, never)
    const source = await sourceOf(session, channel)
    await publisher.publish([message('a'), message('b')], never)
    const [a, b] = await source.receive(room, never)
    expect(await session.admin.removeMessage?.(channel, 'a', never)).toBe(true)
    expect(await source.renew(null, never)).toEqual([a?.token])
    const acks = [a, b].map((one): Settlement => ({ token: one?.token as Token, kind: 'ack' }))
    expect(await source.settle(acks, never)).toEqual(['late', 'settled'])
  })

  test('the parts of a removed queue go, the keys of others stay', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = { ...channelOf(), dedupeWindowMs: 60_000 }
    const other = { ...channel, name: `${channel.name}x` }
    for (const one of [channel, other]) {
      await session.admin.ensure(one, never)
      await using publisher = await session.publisher(one, never)
      await publisher.publish(
        [message('a', { dedupeId: 'a' }), message('b', { delayMs: 9_000 })],
        never,
      )
    }
    const source = await sourceOf(session, channel)
    await source.receive(room, never)
    const before = await client.keys(`{${other.name}}:*`)
    await session.admin.remove?.(channel, never)
    expect(await client.keys(`{${channel.name}}:*`)).toEqual([])
    expect(await client.exists(channel.name)).toBe(0)
    expect((await client.keys(`{${other.name}}:*`)).sort()).toEqual(before.sort())
    await expect(source.receive(room, never)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a value is kept as it came, with no second copy', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    const source = await sourceOf(session, channel, { reader: 'one' })
    await client.lPush(channel.name, Buffer.from([0xff, 0x00]))
    await source.receive(room, never)
    const asBytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    const held = await asBytes.hVals(`{${channel.name}}:held:one`)
    expect(held).toEqual([Buffer.from([0xff, 0x00])])
    expect(await client.exists(channel.name)).toBe(0)
  })

  test('what is remembered of messages that were taken away ends by itself', async () => {
    await using world = await opened()
    const { session, client } = world
    const channel = channelOf()
    const publisher = await session.publisher(channel, never)
    await publisher.publish([message('m')], never)
    const source = await sourceOf(session, channel)
    await source.receive(room, never)
    expect(await session.admin.removeMessage?.(channel, 'm', never)).toBe(true)
    const [lost] = await client.keys(`{${channel.name}}:lost:*`)
    expect(await client.pTTL(lost as string)).toBeGreaterThan(0)
  })

  test('a receive that is over listens to its signal no more', async () => {
    await using world = await opened()
    const channel = channelOf()
    const publisher = await world.session.publisher(channel, never)
    await publisher.publish([message('m')], never)
    const source = await sourceOf(world.session, channel)
    const { signal } = new AbortController()
    await source.receive(room, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})
