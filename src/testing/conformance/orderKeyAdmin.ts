import assert from 'node:assert/strict'
import type { ChannelSpec, Ordering } from '../../core/channel.ts'
import type { Settlement } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import { ordersKeys } from './orderKey.ts'
import {
  ack,
  byKey,
  declare,
  failure,
  groupOf,
  idsOf,
  letter,
  type Opened,
  offered,
  openReader,
  outgoing,
  publish,
  receive,
  seenDelayMs,
  settle,
  take,
  takeNothing,
} from './steps.ts'

const refusal = async () => {}

async function depthOf(world: World, channel: ChannelSpec) {
  const depths = offered(world.session.admin.depths, 'depths')
  const [depth] = await depths([channel], world.signal)
  assert.ok(depth)
  const { waiting, inFlight, scheduled } = depth
  return { waiting, inFlight, scheduled }
}

/** Takes and acknowledges one at a time until nothing is left. */
async function drain(world: World, opened: Opened, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) {
    const got = await receive(world, opened, { messages: 1 })
    ids.push(...idsOf(got))
    await ack(world, opened, got)
  }
  await takeNothing(world, opened)
  return ids
}

/** The next message dies, whatever its key. */
async function buryNext(world: World, channel: ChannelSpec, opened: Opened): Promise<void> {
  const dead = (await take(world, opened, 1)).map(({ token }): Settlement => {
    return { token, kind: 'dead', letter: letter(world, channel) }
  })
  await settle(world, opened, dead)
}

async function redriveAll(world: World, channel: ChannelSpec): Promise<void> {
  const { deadLetters, redrive } = world.session.admin
  const page = { cursor: null, limit: 10, newestFirst: false }
  const { items } = await offered(deadLetters, 'deadLetters')(channel, null, page, world.signal)
  const refs = items.map(({ ref }) => ref)
  await world.until(offered(redrive, 'redrive')(channel, refs, null, world.signal))
}

export const orderKeyAdminCases: readonly Case[] = [
  {
    name: 'order by key: another order beside a live reader is CONFLICT',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, byKey('a1', 'a2', 'a3'))
      for (const order of ['none', 'skip'] as const) {
        await assert.rejects(openReader(world, channel, { order }), (error: Error) => {
          assert.equal((error as Error & { code?: string }).code, 'CONFLICT')
          assert.match(error.message, /onFailure: 'block', wanted order: /)
          return true
        })
      }
      const unasked = await openReader(world, channel, { order: null })
      await opened.source[Symbol.asyncDispose]()
      const held = await take(world, unasked, 1)
      await takeNothing(world, unasked)
      await ack(world, unasked, held)
      await unasked.source[Symbol.asyncDispose]()
      const next = await openReader(world, channel, { order: 'none' })
      await publish(world, channel, byKey('a4'))
      assert.deepEqual(idsOf(await take(world, next, 3)), ['a2', 'a3', 'a4'])
    },
  },
  {
    name: 'order by key: a reader whose group got another order meanwhile is refused',
    needs: (claimed) => ordersKeys(claimed) && claimed.redelivery.how === 'on-lease',
    refusal,
    async run(world) {
      const channel = await declare(world)
      const frozen = await openReader(world, channel, { order: 'skip', leaseMs: 150 })
      await publish(world, channel, byKey('a1', 'a2'))
      await world.pass(400)
      const next = await openReader(world, channel, { order: 'none' })
      const receiving = frozen.source.receive({ messages: 9, bytes: 9_000 }, world.signal)
      await assert.rejects(world.until(receiving), { code: 'CONFLICT' })
      assert.deepEqual(idsOf(await take(world, next, 2)), ['a1', 'a2'])
    },
  },
  {
    name: 'order by key: a group keeps its order without a wish',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const before = await openReader(world, channel, { order: 'skip' })
      await publish(world, channel, byKey('a1', 'a2', '-1'))
      await take(world, before, 2)
      await before.source[Symbol.asyncDispose]()
      const unasked = await openReader(world, channel, { order: null })
      assert.deepEqual(idsOf(await take(world, unasked, 2)).sort(), ['-1', 'a1'])
      await takeNothing(world, unasked)
    },
  },
  {
    name: 'order by key: what lay there before has its order too, and keeps it without a wish',
    // By a watermark what was settled beyond it comes again.
    needs: (claimed) => ordersKeys(claimed) && claimed.settle !== 'watermark',
    refusal,
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, byKey('a1', 'a2', 'b1', 'a3', '-1'))
      const before = await openReader(world, channel, { order: 'none' })
      const [a1, a2, b1] = await take(world, before, 3)
      assert.ok(a1 && a2 && b1)
      await settle(world, before, [
        { token: a1.token, kind: 'retry', delayMs: 0, failures: 1, error: failure() },
        { token: a2.token, kind: 'release', delayMs: 0 },
        { token: b1.token, kind: 'retry', delayMs: seenDelayMs, failures: 1, error: failure() },
      ])
      await before.source[Symbol.asyncDispose]()
      const opened = await openReader(world, channel, { order: 'skip' })
      const got = await take(world, opened, 2)
      assert.deepEqual(idsOf(got).sort(), ['-1', 'a1'])
      await takeNothing(world, opened)
      await opened.source[Symbol.asyncDispose]()
      const unasked = await openReader(world, channel, { order: null })
      assert.deepEqual(
        (await drain(world, unasked, 5)).filter((id) => id[0] === 'a'),
        ['a1', 'a2', 'a3'],
      )
    },
  },
  {
    name: 'order by key: each group of a stream for itself',
    needs: ordersKeys,
    refusal,
    patterns: ['stream'],
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, byKey('a1', 'a2', 'b1'))
      const keyed = await openReader(world, channel, { order: 'skip', group: 'keyed' })
      const other = await openReader(world, channel, { order: 'skip', group: 'other' })
      const free = await openReader(world, channel, { order: 'none', group: 'free' })
      assert.deepEqual(idsOf(await take(world, keyed, 2)).sort(), ['a1', 'b1'])
      assert.deepEqual(idsOf(await take(world, other, 2)).sort(), ['a1', 'b1'])
      assert.deepEqual(idsOf(await take(world, free, 3)), ['a1', 'a2', 'b1'])
    },
  },
  {
    name: 'order by key: a dead letter makes room for the next of its key',
    needs: (claimed) => ordersKeys(claimed) && claimed.deadLetters,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, byKey('a1', 'a2', 'a3'))
      await buryNext(world, channel, opened)
      const a2 = await take(world, opened, 1)
      assert.deepEqual(idsOf(a2), ['a2'])
      await redriveAll(world, channel)
      await publish(world, channel, byKey('a4'))
      await ack(world, opened, a2)
      assert.deepEqual(await drain(world, opened, 3), ['a3', 'a1', 'a4'])
    },
  },
  {
    name: 'order by key: a dead letter comes back after what was published of its key, or alone',
    needs: (claimed) => ordersKeys(claimed) && claimed.deadLetters,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, byKey('a1', 'b1', 'c1', 'b2', 'b3'))
      await buryNext(world, channel, opened)
      await buryNext(world, channel, opened)
      await redriveAll(world, channel)
      const ids = await drain(world, opened, 5)
      assert.deepEqual([...ids].sort(), ['a1', 'b1', 'b2', 'b3', 'c1'])
      assert.deepEqual(
        ids.filter((id) => id.startsWith('b')),
        ['b2', 'b3', 'b1'],
      )
    },
  },
  {
    name: 'order by key: what is behind counts as waiting, and is purged with the rest',
    needs: (claimed) => ordersKeys(claimed) && claimed.depth === 'exact' && claimed.manage === true,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'skip' })
      await publish(world, channel, byKey('a1', 'a2', 'a3', 'b1', 'b2'))
      const [a1, b1] = await take(world, opened, 2)
      assert.ok(a1 && b1)
      await takeNothing(world, opened)
      assert.deepEqual(await depthOf(world, channel), { waiting: 3, inFlight: 2, scheduled: 0 })
      const retry = { kind: 'retry', delayMs: 60_000, failures: 1, error: failure() } as const
      await settle(world, opened, [{ token: b1.token, ...retry }])
      assert.deepEqual(await depthOf(world, channel), { waiting: 3, inFlight: 1, scheduled: 1 })
      const b2 = await take(world, opened, 1)
      await settle(
        world,
        opened,
        b2.map(({ token }) => ({ token, kind: 'release', delayMs: 0 })),
      )
      const purge = offered(world.session.admin.purge, 'purge')
      await world.until(purge(channel, world.signal))
      assert.deepEqual(await depthOf(world, channel), { waiting: 0, inFlight: 1, scheduled: 0 })
      await publish(world, channel, byKey('a4', 'b3'))
      const b3 = await take(world, opened, 1)
      assert.deepEqual(idsOf(b3), ['b3'])
      await ack(world, opened, [...b3, a1])
      assert.deepEqual(await drain(world, opened, 1), ['a4'])
      assert.deepEqual(await depthOf(world, channel), { waiting: 0, inFlight: 0, scheduled: 0 })
    },
  },
  {
    name: 'order by key: what is behind is seen waiting, and so is its age',
    needs: (claimed) =>
      ordersKeys(claimed) && claimed.depth === 'exact' && claimed.peek === 'exact',
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'skip' })
      await publish(world, channel, byKey('a1', 'a2'))
      await take(world, opened, 1)
      await takeNothing(world, opened)
      await world.pass(300)
      const { depths, message } = world.session.admin
      const [depth] = await offered(depths, 'depths')([channel], world.signal)
      assert.ok(Number(depth?.oldestMs) >= 300, `its age is ${depth?.oldestMs} ms`)
      const found = await offered(message, 'message')(channel, 'a2', world.signal)
      assert.deepEqual([found?.state, found?.worker], ['waiting', undefined])
    },
  },
  {
    name: 'order by key: a look tells the order of a queue, or of each group',
    needs: (claimed) => ordersKeys(claimed) && claimed.depth !== 'no',
    refusal,
    async run(world) {
      const channel = await declare(world)
      const { depths, groups } = world.session.admin
      const told = async () => {
        const [depth] = await offered(depths, 'depths')([channel], world.signal)
        if (channel.pattern === 'queue') return depth?.order
        assert.equal(depth?.order, null)
        return (await offered(groups, 'groups')(channel, world.signal)).map(({ order }) => order)
      }
      const all = (order: Ordering) => (channel.pattern === 'queue' ? order : [order])
      const { source } = await openReader(world, channel, { order: null })
      assert.deepEqual(await told(), all('none'))
      await source[Symbol.asyncDispose]()
      await openReader(world, channel, { order: 'block' })
      assert.deepEqual(await told(), all('block'))
    },
  },
  {
    name: 'order by key: the next of a key follows where its head is removed',
    needs: (claimed) => ordersKeys(claimed) && claimed.manage === true && claimed.peek === 'exact',
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, byKey('a1', 'a2', 'a3', 'a4', 'a5'))
      const removeMessage = offered(world.session.admin.removeMessage, 'removeMessage')
      const remove = async (id: string) =>
        assert.equal(await world.until(removeMessage(channel, id, world.signal)), true)
      await take(world, opened, 1)
      await remove('a2') // behind
      await remove('a1') // in hand
      const [a3] = await take(world, opened, 1)
      assert.equal(a3?.message.id, 'a3')
      if (!a3) return
      const retry = { kind: 'retry', delayMs: 60_000, failures: 1, error: failure() } as const
      await settle(world, opened, [{ token: a3.token, ...retry }])
      const abort = new AbortController()
      const receiving = opened.source.receive({ messages: 9, bytes: 9_000 }, abort.signal)
      await world.pass(20)
      await remove('a3') // waits for its next try, and a reader for the next one
      await world.pass(500)
      abort.abort()
      const a4 = await world.until(receiving)
      assert.deepEqual(idsOf(a4), ['a4'])
      await ack(world, opened, a4)
      assert.deepEqual(await drain(world, opened, 1), ['a5'])
    },
  },
  {
    name: 'order by key: a moved group begins anew, each key at its first',
    needs: (claimed) => ordersKeys(claimed) && claimed.seek,
    refusal,
    patterns: ['stream'],
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, byKey('a1', 'a2', 'b1', 'a3'))
      const held = await take(world, opened, 2)
      await settle(world, opened, [
        { token: held[0]?.token ?? { reader: '', serial: 0 }, kind: 'release', delayMs: 60_000 },
      ])
      const seek = offered(world.session.admin.seek, 'seek')
      await world.until(seek(channel, groupOf(world) ?? '', 'first', world.signal))
      const again = await take(world, opened, 2)
      assert.deepEqual(idsOf(again).sort(), ['a1', 'b1'])
      await ack(world, opened, again)
      assert.deepEqual(await drain(world, opened, 2), ['a2', 'a3'])
      assert.deepEqual(await depthOf(world, channel), { waiting: 0, inFlight: 0, scheduled: 0 })
    },
  },
  {
    name: 'order by key: what is behind does not count as deliverable',
    needs: (claimed) => ordersKeys(claimed) && claimed.watchdog,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'skip' })
      const ask = async () =>
        (
          await world.until(
            offered(opened.source.deliverable?.bind(opened.source), 'deliverable')(world.signal),
          )
        ).messages
      await publish(world, channel, [...byKey('a1', 'a2'), outgoing('a3', { key: 'a' })])
      const held = await take(world, opened, 1)
      await takeNothing(world, opened)
      assert.equal(await ask(), 0)
      await ack(world, opened, held)
      assert.equal(await ask(), 1)
    },
  },
]
