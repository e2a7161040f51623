import assert from 'node:assert/strict'
import type { Contract } from '../../core/contract.ts'
import type { Delivery } from '../../core/message.ts'
import type { Case, World } from './case.ts'
import {
  ack,
  byKey,
  declare,
  endingLeaseMs,
  failure,
  idsOf,
  type Opened,
  openReader,
  outgoing,
  publish,
  receive,
  seenDelayMs,
  settle,
  take,
  takeNothing,
} from './steps.ts'

export const ordersKeys = (claimed: Contract) => claimed.keyOrder !== 'no'

/** Any reader may be handed any message; else each owns a share of the keys, and its end moves them. */
const sharesByMessage = (claimed: Contract) => claimed.fencing !== 'generation'

/** Nobody asks such a driver: the runtime refuses at opening. */
const refusal = async () => {}

/** So many of two readers together, at most three at a time; of each what it was handed. */
async function takeOfBoth(
  world: World,
  [first, second]: readonly [Opened, Opened],
  count: number,
): Promise<[Delivery[], Delivery[]]> {
  const [one, two]: [Delivery[], Delivery[]] = [[], []]
  while (one.length + two.length < count) {
    one.push(...(await receiveSoon(world, first)))
    two.push(...(await receiveSoon(world, second)))
  }
  return [one, two]
}

async function receiveSoon(world: World, { source }: Opened): Promise<Delivery[]> {
  const abort = new AbortController()
  const signal = AbortSignal.any([abort.signal, world.signal])
  const receiving = source.receive({ messages: 3, bytes: 9_000 }, signal)
  await Promise.race([receiving, world.pass(20)])
  abort.abort()
  return await world.until(receiving)
}

const sorted = (deliveries: readonly Delivery[]) => idsOf(deliveries).sort()

export const orderKeyCases: readonly Case[] = [
  {
    name: 'order by key: one of a key at a time over workers, in the order of publishing',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const first = await openReader(world, channel, { order: 'skip' })
      const second = await openReader(world, channel, {
        session: await world.open(),
        order: 'skip',
      })
      await publish(world, channel, byKey('a1', 'a2', 'b1', 'a3', 'b2', '-1', '-2', 'c1'))
      for (const expected of [['-1', '-2', 'a1', 'b1', 'c1'], ['a2', 'b2'], ['a3']]) {
        const [one, two] = await takeOfBoth(world, [second, first], expected.length)
        assert.deepEqual(sorted([...one, ...two]), expected)
        await takeNothing(world, first)
        await takeNothing(world, second)
        await ack(world, second, one)
        await ack(world, first, two)
      }
    },
  },
  {
    name: 'order by key: who waits is given the next of a key as soon as it is free',
    needs: (claimed) => ordersKeys(claimed) && sharesByMessage(claimed),
    refusal,
    async run(world) {
      const channel = await declare(world)
      const first = await openReader(world, channel, { order: 'block' })
      const second = await openReader(world, channel, {
        session: await world.open(),
        order: 'block',
      })
      await publish(world, channel, byKey('a1', 'a2', 'a3'))
      for (const [owner, other] of [[first, second] as const, [second, first] as const]) {
        const held = await take(world, owner, 1)
        const waiting = other.source.receive({ messages: 9, bytes: 9_000 }, world.signal)
        await world.pass(20)
        await ack(world, owner, held)
        const came = await world.until(waiting)
        assert.equal(came.length, 1)
        const back = came.map(({ token }) => ({ token, kind: 'release', delayMs: 0 }) as const)
        await settle(world, other, back)
      }
    },
  },
  {
    name: 'order by key: takeover waits for the lease, and what came back is first',
    needs: (claimed) => ordersKeys(claimed) && claimed.redelivery.how === 'on-lease',
    refusal,
    async run(world) {
      const channel = await declare(world)
      const dying = await openReader(world, channel, { order: 'skip', leaseMs: endingLeaseMs })
      const other = await openReader(world, channel, { order: 'skip' })
      await publish(world, channel, byKey('a1', 'a2', 'b1', 'b2'))
      assert.deepEqual(sorted(await take(world, dying, 2)), ['a1', 'b1'])
      await takeNothing(world, other)
      await world.pass(1.5 * endingLeaseMs)
      const suspects = [await receive(world, other), await receive(world, other)]
      assert.deepEqual(suspects.map(idsOf), [['a1'], ['b1']])
      assert.deepEqual(
        suspects.flat().map(({ crashes }) => crashes),
        [1, 1],
      )
      await takeNothing(world, other)
      for (const [one] of suspects) if (one) await ack(world, other, [one])
      assert.deepEqual(sorted(await take(world, other, 2)), ['a2', 'b2'])
    },
  },
  {
    name: 'order by key: what is released or given up by its reader is the next of its key',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'skip' })
      await publish(world, channel, byKey('a1', 'a2'))
      for (const delayMs of [0, seenDelayMs]) {
        const [held] = await take(world, opened, 1)
        assert.ok(held)
        await settle(world, opened, [{ token: held.token, kind: 'release', delayMs }])
      }
      await takeNothing(world, opened)
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['a1'])
      await opened.source[Symbol.asyncDispose]()
      const next = await openReader(world, channel, { order: 'skip' })
      const got = await take(world, next, 1)
      assert.deepEqual(idsOf(got), ['a1'])
      await takeNothing(world, next)
      await ack(world, next, got)
      assert.deepEqual(idsOf(await take(world, next, 1)), ['a2'])
    },
  },
  {
    name: 'order by key: block keeps the order across a retry',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, byKey('a1', 'a2', 'b1', 'b2'))
      const [a1, b1] = await take(world, opened, 2)
      assert.ok(a1 && b1)
      await settle(world, opened, [
        { token: a1.token, kind: 'retry', delayMs: seenDelayMs, failures: 1, error: failure() },
        { token: b1.token, kind: 'ack' },
      ])
      assert.deepEqual(idsOf(await receive(world, opened)), ['b2'])
      await takeNothing(world, opened)
      const again = await take(world, opened, 1)
      assert.deepEqual(
        again.map(({ message, failures }) => [message.id, failures]),
        [['a1', 1]],
      )
      await ack(world, opened, again)
      assert.deepEqual(idsOf(await take(world, opened, 1)), ['a2'])
    },
  },
  {
    name: 'order by key: skip goes on across a retry, still one at a time',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'skip' })
      await publish(world, channel, byKey('a1', 'a2', 'a3', 'a4'))
      for (const id of ['a1', 'a2']) {
        const [held] = await take(world, opened, 1)
        assert.equal(held?.message.id, id)
        if (!held) continue
        const retry = { kind: 'retry', failures: 1, error: failure() } as const
        await settle(world, opened, [{ token: held.token, delayMs: seenDelayMs, ...retry }])
      }
      const a3 = await take(world, opened, 1)
      assert.deepEqual(idsOf(a3), ['a3'])
      await takeNothing(world, opened, 1.5 * seenDelayMs)
      await ack(world, opened, a3)
      for (const id of ['a1', 'a2', 'a4']) {
        const got = await receive(world, opened)
        assert.deepEqual(idsOf(got), [id])
        await takeNothing(world, opened)
        await ack(world, opened, got)
      }
    },
  },
  {
    name: 'order by key: a hot key holds up nobody behind it',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'skip' })
      const hot = Array.from({ length: 3_000 }, (_, n) => outgoing(`hot${n}`, { key: 'hot' }))
      await publish(world, channel, hot)
      await publish(world, channel, byKey('a1', 'b1', '-1', 'a2'))
      const got = await take(world, opened, 4)
      assert.deepEqual(sorted(got), ['-1', 'a1', 'b1', 'hot0'])
      await ack(world, opened, got)
      assert.deepEqual(sorted(await take(world, opened, 2)), ['a2', 'hot1'])
      await takeNothing(world, opened)
    },
  },
  {
    name: 'order by key: any text is a key, the empty one too',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      const keys = [
        '',
        ' ',
        '"',
        '\\',
        '{"k":1}',
        '1',
        'é',
        '\u{1f600}',
        '\u0000',
        '\u0000a',
        '\ud800',
      ]
      const twice = keys.flatMap((key, n) => [0, 1].map((at) => outgoing(`${n}-${at}`, { key })))
      await publish(world, channel, twice)
      for (const at of [0, 1]) {
        const got = await take(world, opened, keys.length)
        assert.deepEqual(sorted(got), keys.map((_, n) => `${n}-${at}`).sort())
        if (at === 0) await takeNothing(world, opened)
        await ack(world, opened, got)
      }
    },
  },
  {
    name: 'order by key: a delayed one does not block, its place is when it is due',
    needs: (claimed) => ordersKeys(claimed) && claimed.delay.how !== 'no',
    refusal,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { order: 'block' })
      await publish(world, channel, [outgoing('later', { key: 'a', delayMs: seenDelayMs })])
      await publish(world, channel, byKey('a1', 'a2'))
      const a1 = await take(world, opened, 1)
      assert.deepEqual(idsOf(a1), ['a1'])
      await world.pass(2 * seenDelayMs) // and nobody looks
      await publish(world, channel, byKey('a3'))
      await ack(world, opened, a1)
      const rest: string[] = []
      while (rest.length < 3) {
        const got = await receive(world, opened)
        assert.equal(got.length, 1)
        rest.push(...idsOf(got))
        await ack(world, opened, got)
      }
      assert.deepEqual(rest, ['a2', 'later', 'a3'])
    },
  },
]
