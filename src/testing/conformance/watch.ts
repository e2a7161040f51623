import assert from 'node:assert/strict'
import type { Case, World } from './case.ts'
import {
  declare,
  endingLeaseMs,
  type Opened,
  offered,
  openReader,
  outgoing,
  publish,
  several,
  take,
} from './steps.ts'

async function deliverableTo(world: World, { source }: Opened) {
  const ask = offered(source.deliverable?.bind(source), 'deliverable')
  return world.until(ask(world.signal))
}

const countTo = async (world: World, opened: Opened) =>
  (await deliverableTo(world, opened)).messages

async function noAnswer(world: World): Promise<void> {
  const { source } = await openReader(world, await declare(world))
  assert.equal(source.deliverable, undefined, 'the contract says that a source cannot tell')
}

export const watchCases: readonly Case[] = [
  {
    name: 'watch: a source tells what waits for it, and how long the oldest has',
    needs: (claimed) => claimed.watchdog,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      assert.deepEqual(await deliverableTo(world, opened), { messages: 0, oldestMs: 0 })
      const beganMs = world.wallMs()
      await publish(world, channel, several(3))
      for (let oldestMs = 0; oldestMs < 190; ) {
        await world.pass(50)
        const found = await deliverableTo(world, opened)
        const passedMs = world.wallMs() - beganMs
        assert.equal(found.messages, 3)
        assert.ok(found.oldestMs <= passedMs + 10, `it has waited ${found.oldestMs} ms`) // two clocks
        if (world.isExact) assert.ok(found.oldestMs >= passedMs - 10)
        assert.ok(passedMs < 5_000, `in ${passedMs} ms it has waited ${found.oldestMs} ms`)
        oldestMs = found.oldestMs
      }
      await take(world, opened, 2)
      assert.equal(await countTo(world, opened), 1)
    },
    refusal: noAnswer,
  },
  {
    name: 'watch: what is delayed or leased does not wait, what a dead reader held does',
    needs: (claimed) =>
      claimed.watchdog && claimed.delay.how !== 'no' && claimed.redelivery.how === 'on-lease',
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      const other = await openReader(world, channel, { leaseMs: endingLeaseMs })
      await publish(world, channel, [outgoing('now'), outgoing('later', { delayMs: 60_000 })])
      assert.equal(await countTo(world, opened), 1)
      await take(world, other, 1)
      assert.equal(await countTo(world, opened), 0)
      await world.pass(endingLeaseMs + 50)
      assert.equal(await countTo(world, opened), 1)
    },
    refusal: async (world) => {
      if (!world.claimed.watchdog) await noAnswer(world)
    },
  },
  {
    name: 'watch: nothing waits on a paused channel',
    needs: (claimed) => claimed.watchdog && claimed.pause,
    async run(world) {
      const channel = await declare(world)
      const opened = await openReader(world, channel)
      await publish(world, channel, several(3))
      const { admin } = world.session
      const pause = offered(admin.pause?.bind(admin), 'pause')
      await world.until(pause(channel, true, world.signal))
      assert.equal(await countTo(world, opened), 0)
      await world.until(pause(channel, false, world.signal))
      assert.equal(await countTo(world, opened), 3)
    },
    refusal: async (world) => {
      if (!world.claimed.watchdog) await noAnswer(world)
    },
  },
]
