import assert from 'node:assert/strict'
import type { Delivery, Settlement } from '../../core/message.ts'
import type { Case } from './case.ts'
import {
  ack,
  declare,
  done,
  endingLeaseMs,
  failure,
  idsOf,
  openReader,
  publish,
  receive,
  settle,
  several,
  shortLeaseMs,
  take,
} from './steps.ts'

const counts = ({ message, failures, crashes }: Delivery) => [message.id, failures, crashes]

export const countCases: readonly Case[] = [
  {
    name: 'count: failures and crashes apart, and both stay with the message',
    needs: (claimed) => claimed.counts.failures === 'exact' && claimed.counts.crashes === 'exact',
    async run(world) {
      const channel = await declare(world)
      const dying = await openReader(world, channel, { leaseMs: endingLeaseMs })
      await publish(world, channel, several(1))
      const [first] = await take(world, dying, 1)
      assert.ok(first)
      const retry: Settlement = {
        token: first.token,
        kind: 'retry',
        delayMs: 0,
        failures: 1,
        error: failure(),
      }
      await settle(world, dying, [retry])
      await take(world, dying, 1)
      const opened = await openReader(world, channel, { session: await world.open() })
      const [third] = await take(world, opened, 1)
      assert.ok(third)
      assert.deepEqual(counts(third), ['m0', 1, 1])
      assert.equal(third.past?.last.message, 'it broke')
      await settle(world, opened, [{ ...retry, token: third.token, failures: 2 }])
      const [fourth] = await take(world, opened, 1)
      assert.ok(fourth)
      assert.deepEqual(counts(fourth), ['m0', 2, 1])
    },
    async refusal(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { leaseMs: shortLeaseMs })
      await publish(world, channel, several(1))
      const [first] = await take(world, opened, 1)
      if (world.claimed.counts.crashes === 'no') assert.equal(first?.crashes, 'unknown')
    },
  },
  {
    name: 'count: a release and a drain charge nobody, however often',
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(3))
      for (let n = 0; n < 5; n++) {
        await using opened = (await openReader(world, channel)).source
        const reader = { name: '', source: opened, lost: [] }
        const got = await take(world, reader, 3)
        const isInOrder = world.claimed.order.scope === 'channel'
        assert.deepEqual(isInOrder ? got.map(counts) : got.map(counts).sort(), [
          ['m0', 0, 0],
          ['m1', 0, 0],
          ['m2', 0, 0],
        ])
        const [, second] = got
        if (!second) continue
        const release: Settlement = { token: second.token, kind: 'release', delayMs: 0 }
        assert.deepEqual(await settle(world, reader, [release]), [done(world)])
      }
    },
  },
  {
    name: 'count: with charge taken a crash counts for all that was handed out',
    needs: (claimed) => claimed.counts.crashes === 'exact',
    async run(world) {
      const channel = await declare(world)
      const dying = await openReader(world, channel, { leaseMs: shortLeaseMs, charge: 'taken' })
      const opened = await openReader(world, channel, { session: await world.open() })
      await publish(world, channel, several(4))
      await take(world, dying, 2)
      const got = await take(world, opened, 4)
      assert.deepEqual(got.map(counts).sort(), [
        ['m0', 0, 1],
        ['m1', 0, 1],
        ['m2', 0, 0],
        ['m3', 0, 0],
      ])
    },
    refusal: async () => {},
  },
  {
    name: 'count: with charge marked a crash counts for what had begun',
    needs: (claimed) => claimed.counts.crashes === 'exact',
    async run(world) {
      const channel = await declare(world)
      const dying = await openReader(world, channel, { leaseMs: endingLeaseMs, charge: 'marked' })
      const opened = await openReader(world, channel, {
        session: await world.open(),
        charge: 'marked',
      })
      await publish(world, channel, several(4))
      const held = await take(world, dying, 4)
      await world.until(dying.source.renew(held[1]?.token ?? null, world.signal))
      const got = await take(world, opened, 4)
      assert.deepEqual(got.map(counts).sort(), [
        ['m0', 0, 1],
        ['m1', 0, 1],
        ['m2', 0, 0],
        ['m3', 0, 0],
      ])
    },
    refusal: async () => {},
  },
  {
    name: 'count: a take charges what it says it has marked as begun, and never marks a suspect',
    needs: (claimed) => claimed.counts.crashes === 'exact',
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(5))
      const charge = 'marked'
      const dying = await openReader(world, channel, { leaseMs: endingLeaseMs, charge })
      const first = await take(world, dying, 1, { begins: true })
      first.push(...(await take(world, dying, 2, { begins: true })))
      const second = await take(world, dying, 2)
      const isBegun = (one: Delivery) => one.isBegun ?? false
      assert.deepEqual(second.map(isBegun), [false, false])
      await world.pass(1.5 * endingLeaseMs)
      const opened = await openReader(world, channel, { charge })
      const got = await take(world, opened, 5, { begins: true })
      const crashes = new Map(got.map((one) => [one.message.id, one.crashes]))
      assert.deepEqual(
        [...first, ...second].map(({ message }) => crashes.get(message.id)),
        [...first, ...second].map((one) => (isBegun(one) ? 1 : 0)),
      )
      assert.ok(!got.some((one) => isBegun(one) && one.crashes !== 0), 'a suspect was marked')
    },
    refusal: async () => {},
  },
  {
    name: 'count: suspects come first and alone',
    needs: (claimed) => claimed.counts.crashes === 'exact',
    async run(world) {
      const channel = await declare(world)
      const dying = await openReader(world, channel, { leaseMs: shortLeaseMs })
      await publish(world, channel, several(6))
      await take(world, dying, 3)
      await world.pass(3 * shortLeaseMs)
      const opened = await openReader(world, channel)
      const batches: string[][] = []
      while (batches.flat().length < 6) {
        const got = await receive(world, opened)
        batches.push(idsOf(got))
        await ack(world, opened, got)
      }
      assert.deepEqual(batches.slice(0, 3), [['m0'], ['m1'], ['m2']])
      assert.deepEqual(batches.slice(3).flat(), ['m3', 'm4', 'm5'])
    },
    refusal: async () => {},
  },
  {
    name: 'count: with charge marked suspects of one crash count come together, and apart from others',
    needs: (claimed) => claimed.counts.crashes === 'exact',
    async run(world) {
      const channel = await declare(world)
      await publish(world, channel, several(9))
      const die = async (count: number) => {
        const dying = await openReader(world, channel, {
          leaseMs: endingLeaseMs,
          charge: 'marked',
        })
        const held = await take(world, dying, count)
        await world.until(dying.source.renew(held.at(-1)?.token ?? null, world.signal))
        await world.pass(1.5 * endingLeaseMs)
        return idsOf(held)
      }
      assert.deepEqual(await die(5), ['m0', 'm1', 'm2', 'm3', 'm4'])
      assert.deepEqual(await die(2), ['m0', 'm1'])
      const opened = await openReader(world, channel, { charge: 'marked' })
      const batches: (readonly [number | 'unknown' | undefined, string])[] = []
      while (batches.length < 9) {
        const got = await receive(world, opened)
        const crashes = got[0]?.crashes
        assert.ok(
          got.every((one) => one.crashes === crashes),
          'mixed in one receive',
        )
        batches.push(...idsOf(got).map((id) => [crashes, id] as const))
        await ack(world, opened, got)
      }
      assert.deepEqual(
        new Map(batches.map(([crashes, id]) => [id, crashes])),
        new Map([
          ['m0', 2],
          ['m1', 2],
          ['m2', 1],
          ['m3', 1],
          ['m4', 1],
          ['m5', 0],
          ['m6', 0],
          ['m7', 0],
          ['m8', 0],
        ]),
      )
      assert.ok(
        batches.slice(0, 5).every(([crashes]) => crashes !== 0),
        'suspects come first',
      )
    },
    refusal: async () => {},
  },
]
