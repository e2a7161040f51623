import assert from 'node:assert/strict'
import type { Settlement } from '../../core/message.ts'
import type { Case } from './case.ts'
import {
  ack,
  declare,
  idsOf,
  openReader,
  outgoing,
  publish,
  seenDelayMs,
  settle,
  several,
  take,
  takeNothing,
} from './steps.ts'

export const orderCases: readonly Case[] = [
  {
    name: 'order: handed out as published, whoever publishes and whoever reads',
    needs: (claimed) => claimed.order.scope === 'channel',
    async run(world) {
      const channel = await declare(world)
      const other = await world.open()
      await publish(world, channel, several(150, 'a'))
      await publish(world, channel, several(150, 'b'), other)
      const readers = [
        await openReader(world, channel),
        await openReader(world, channel, { session: other }),
      ]
      const got: string[] = []
      for (let n = 0; got.length < 300; n++) {
        const opened = readers[n % 2]
        if (opened) got.push(...idsOf(await take(world, opened, 30)))
      }
      assert.deepEqual(
        got,
        [...several(150, 'a'), ...several(150, 'b')].map(({ id }) => id),
      )
    },
    async refusal(world) {
      assert.notEqual(world.claimed.order.scope, 'channel')
    },
  },
  {
    name: 'order: what is released goes back to the head, in its order',
    needs: (claimed) => claimed.order.scope === 'channel' && claimed.release === 'free',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(8))
      const got = await take(world, opened, 5)
      const release = got.slice(1).map(({ token }): Settlement => {
        return { token, kind: 'release', delayMs: 0 }
      })
      await settle(world, opened, release.toReversed())
      await ack(world, opened, got.slice(0, 1))
      assert.deepEqual(idsOf(await take(world, opened, 7)), [
        'm1',
        'm2',
        'm3',
        'm4',
        'm5',
        'm6',
        'm7',
      ])
    },
    refusal: async () => {},
  },
  {
    name: 'order: delayed ones do not block, and keep the order of their times',
    needs: (claimed) => claimed.delay.how !== 'no',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, [
        outgoing('last', { delayMs: 1.5 * seenDelayMs }),
        outgoing('middle', { delayMs: seenDelayMs }),
        ...several(3),
      ])
      const got = await take(world, opened, 3)
      assert.deepEqual(idsOf(got), ['m0', 'm1', 'm2'])
      const later = [...(await take(world, opened, 1)), ...(await take(world, opened, 1))]
      // Where the real time may be a multiple of the wish, the later wish may be the earlier one.
      const isSharp = world.claimed.delay.errorShare === 0
      const ids = isSharp ? idsOf(later) : idsOf(later).sort().reverse()
      assert.deepEqual(ids, ['middle', 'last'])
    },
    refusal: async () => {},
  },
  {
    name: 'order: a delayed one that overtakes those before it comes once',
    needs: (claimed) => claimed.delay.how !== 'no',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(3, 'a'))
      await publish(world, channel, [outgoing('later', { delayMs: 20 }), ...several(3, 'b')])
      const got: string[] = []
      while (got.length < 7) {
        const one = await take(world, opened, 1)
        await ack(world, opened, one)
        if (got.length === 0) await world.pass(60)
        got.push(...idsOf(one))
      }
      assert.deepEqual(got.sort(), ['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'later'])
      await takeNothing(world, opened)
    },
    refusal: async () => {},
  },
]
