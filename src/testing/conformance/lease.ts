import assert from 'node:assert/strict'
import type { Case } from './case.ts'
import {
  ack,
  declare,
  idsOf,
  keptLeaseMs,
  openReader,
  publish,
  receive,
  settle,
  several,
  shortLeaseMs,
  take,
  takeNothing,
} from './steps.ts'

export const leaseCases: readonly Case[] = [
  {
    name: 'lease: renewed beyond its length, one renewal covers all that a reader holds',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { leaseMs: keptLeaseMs })
      await publish(world, channel, several(20))
      const got = await take(world, opened, 20)
      const other = await openReader(world, channel, { session: await world.open() })
      for (let passed = 0; passed < 1.5 * keptLeaseMs; passed += 150) {
        await world.pass(150)
        assert.deepEqual(await world.until(opened.source.renew(null, world.signal)), [])
      }
      await takeNothing(world, other)
      assert.deepEqual(opened.lost, [])
      await ack(world, opened, got)
    },
  },
  {
    name: 'lease: frozen process loses, thawed settle is late, and both are told',
    needs: (claimed) => claimed.redelivery.how === 'on-lease',
    async run(world) {
      const channel = await declare(world)
      const frozen = await openReader(world, channel, { leaseMs: shortLeaseMs })
      const other = await openReader(world, channel, { session: await world.open() })
      await publish(world, channel, several(3))
      const lost = await take(world, frozen, 3)
      const got = await take(world, other, 3)
      assert.deepEqual(idsOf(got).sort(), idsOf(lost))
      assert.ok(got.every(({ crashes }) => crashes === 1))
      const late = lost.map(({ token }) => ({ token, kind: 'ack' }) as const)
      assert.deepEqual(await settle(world, frozen, late), ['late', 'late', 'late'])
      const renewed = await world.until(frozen.source.renew(null, world.signal))
      for (const { tokens } of frozen.lost) renewed.push(...(tokens === 'all' ? [] : tokens))
      const isToldAtOnce = frozen.lost.some(({ tokens }) => tokens === 'all')
      const told = new Set(renewed.map(({ serial }) => serial))
      for (const { token } of lost) {
        assert.ok(isToldAtOnce || told.has(token.serial), 'a loss was not told')
      }
      await ack(world, other, got)
    },
    async refusal(world) {
      const channel = await declare(world)
      const frozen = await openReader(world, channel, { leaseMs: shortLeaseMs })
      const other = await openReader(world, channel, { session: await world.open() })
      await publish(world, channel, several(1))
      await take(world, frozen, 1)
      await world.pass(3 * shortLeaseMs)
      await takeNothing(world, other)
    },
  },
  {
    name: 'lease: after it has lost all, the same reader goes on',
    needs: (claimed) => claimed.redelivery.how === 'on-lease',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { leaseMs: shortLeaseMs })
      await publish(world, channel, several(1))
      const [first] = await take(world, opened, 1)
      await world.pass(3 * shortLeaseMs)
      const [again] = await take(world, opened, 1)
      assert.equal(again?.message.id, first?.message.id)
      assert.equal(again?.crashes, 1)
      assert.notEqual(again?.token.serial, first?.token.serial)
    },
    refusal: async () => {},
  },
  {
    name: 'lease: an idle reader outlives it',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { leaseMs: shortLeaseMs })
      const receiving = receive(world, opened)
      await world.pass(3 * shortLeaseMs)
      await publish(world, channel, several(1))
      const got = await receiving
      assert.deepEqual(idsOf(got), ['m0'])
      const nowMs = got[0]?.ownedUntilMs ?? 0
      assert.ok(nowMs > 0, 'ownedUntilMs says until when it is owned')
    },
  },
  {
    name: 'lease: a source keeps the lease that it has said',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel, { leaseMs: 5_000 })
      assert.ok(opened.source.leaseMs > 0 && opened.source.leaseMs <= 5_000)
    },
  },
]
