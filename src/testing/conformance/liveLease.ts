import assert from 'node:assert/strict'
import type { Contract } from '../../core/contract.ts'
import type { LiveCase, World } from './case.ts'
import {
  expectEnded,
  hand,
  type Joined,
  join,
  subscribe,
  takeIds,
  takeNoMessage,
  toNobody,
  waitForEnd,
} from './liveSteps.ts'
import { declare, endingLeaseMs, keptLeaseMs, outgoing, several, shortLeaseMs } from './steps.ts'

const subscribers = ['broadcast', 'narrowcast'] as const

/** Who counts as there, and until when. */
export const liveLeaseCases: readonly LiveCase[] = [
  {
    name: 'live: the lease of a silent one ends, and with it what it had not read',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, { leaseMs: endingLeaseMs })
      assert.ok(joined.source.leaseMs > 0 && joined.source.leaseMs <= endingLeaseMs)
      assert.deepEqual(await hand(world, channel, joined, several(2)), [1, 1])
      await world.pass(2 * endingLeaseMs)
      assert.deepEqual(await hand(world, channel, joined, [outgoing('late')]), [toNobody(world)])
      await expectEnded(world, joined)
      const again = await join(world, channel, { worker: joined.worker })
      assert.equal(again.source.resumed, false)
      await takeNoMessage(world, again)
    },
  },
  {
    name: 'live: one that comes too late is told, also where nobody has looked for it',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, { leaseMs: shortLeaseMs })
      await hand(world, channel, joined, several(1))
      await world.pass(3 * shortLeaseMs)
      await expectEnded(world, joined)
      const again = await join(world, channel, { leaseMs: shortLeaseMs })
      await world.pass(3 * shortLeaseMs)
      await assert.rejects(world.until(again.source.renew(world.signal)))
    },
  },
  {
    name: 'live: one that renews or receives lives on',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, { leaseMs: keptLeaseMs })
      for (let passed = 0; passed < 1.5 * keptLeaseMs; passed += 150) {
        await world.pass(150)
        await world.until(joined.source.renew(world.signal))
      }
      for (let passed = 0; passed < 1.5 * keptLeaseMs; passed += 150) {
        assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
        await world.pass(150)
        assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
      }
      assert.deepEqual(joined.gaps, [])
    },
  },
  {
    name: 'live: one that waits for messages lives on',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, { leaseMs: endingLeaseMs })
      const receiving = takeIds(world, joined, 1)
      await world.pass(2 * endingLeaseMs)
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      assert.deepEqual(await receiving, ['m0'])
    },
  },
  {
    name: 'live: one that leaves is gone at once',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      await hand(world, channel, joined, several(1))
      await joined.source[Symbol.asyncDispose]()
      await joined.source[Symbol.asyncDispose]()
      assert.deepEqual(await hand(world, channel, joined, several(1)), [toNobody(world)])
      const closed = { code: 'CLOSED' }
      const room = { messages: 1, bytes: 1_000 }
      await assert.rejects(joined.source.receive(room, world.signal), closed)
      await assert.rejects(joined.source.renew(world.signal), closed)
      await takeNoMessage(world, await join(world, channel, { worker: joined.worker }))
    },
  },
  {
    name: 'live: leaving ends a receive that waits',
    async run(world) {
      const channel = await declare(world)
      const { source } = await join(world, channel)
      const receiving = source.receive({ messages: 1, bytes: 1_000 }, world.signal)
      await world.pass(5)
      await source[Symbol.asyncDispose]()
      assert.deepEqual(await world.until(receiving), [])
    },
  },
  {
    name: 'live: a worker is subscribed once, and the first one goes on',
    patterns: subscribers,
    async run(world) {
      const channel = await declare(world)
      const joined = await subscribe(world, channel)
      const twice = subscribe(world, channel, { worker: joined.worker })
      await assert.rejects(twice, { code: 'CONFLICT' })
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
    },
  },
  {
    name: 'live: restart under one id: one receiver',
    patterns: subscribers,
    async run(world) {
      const channel = await declare(world)
      const other = await world.open()
      const before = await subscribe(world, channel, { session: other })
      await hand(world, channel, before, several(1, 'before'))
      const worker = { id: before.worker.id, incarnation: 'two' }
      const joined = await subscribe(world, channel, { worker })
      assert.equal(joined.source.resumed, false)
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      await expectEnded(world, before)
      await before.source[Symbol.asyncDispose]()
      assert.deepEqual(await hand(world, channel, joined, [outgoing('m1')]), [1])
      assert.deepEqual(await takeIds(world, joined, 2), ['m0', 'm1'])
      await takeNoMessage(world, joined)
      const ending = waitForEnd(world, joined)
      await world.pass(5)
      await subscribe(world, channel, { worker: { ...worker, incarnation: 'three' } })
      await world.until(ending)
      if (world.row !== 'narrowcast') return
      assert.deepEqual(await hand(world, channel, joined, several(1)), [0])
    },
  },
  {
    name: 'live: after a lost session it goes on where it broke off',
    patterns: subscribers,
    needs: (claimed) => claimed.resumes,
    async run(world) {
      const channel = await declare(world)
      const lost = await world.open()
      const hold = { messages: 4, bytes: 1_000_000 }
      const before = await subscribe(world, channel, { session: lost, hold })
      await hand(world, channel, before, several(3))
      assert.deepEqual(await takeIds(world, before, 1), ['m0'])
      await lost[Symbol.asyncDispose]()
      assert.deepEqual(await hand(world, channel, before, several(3, 'away')), [1, 1, 1])
      const joined = await subscribe(world, channel, { worker: before.worker, hold })
      assert.equal(joined.source.resumed, true)
      const unread = ['m1', 'm2', 'away0', 'away1', 'away2']
      const isBound = world.claimed.tells.includes('overflow')
      const left = isBound ? unread.slice(1) : unread
      assert.deepEqual(await takeIds(world, joined, left.length), left)
      assert.deepEqual(joined.gaps, isBound ? [{ missed: 1, why: 'overflow' }] : [])
      await before.source[Symbol.asyncDispose]()
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
    },
    async refusal(world) {
      const channel = await declare(world)
      const lost = await world.open()
      const before = await subscribe(world, channel, { session: lost })
      await lost[Symbol.asyncDispose]()
      const joined = await subscribe(world, channel, { worker: before.worker })
      assert.equal(joined.source.resumed, false)
    },
  },
  {
    name: 'live: a session that was lost for longer than the lease is not gone on with',
    patterns: subscribers,
    needs: (claimed) => claimed.resumes && !outlivesLease(claimed),
    async run(world) {
      const joined = await longAway(world)
      assert.equal(joined.source.resumed, false)
      await takeNoMessage(world, joined)
    },
    async refusal(world) {
      if (!world.claimed.resumes) return
      const joined = await longAway(world)
      assert.equal(joined.source.resumed, true)
      assert.deepEqual(await takeIds(world, joined, 1), ['m0'])
    },
  },
]

/** A broker takes longer to start than a lease lasts: who misses nothing by it goes on after that. */
const outlivesLease = ({ survives }: Contract) => survives['broker-restart'] === 'yes'

async function longAway(world: World): Promise<Joined> {
  const channel = await declare(world)
  const lost = await world.open()
  const before = await subscribe(world, channel, { session: lost, leaseMs: shortLeaseMs })
  await hand(world, channel, before, several(1))
  await lost[Symbol.asyncDispose]()
  await world.pass(3 * shortLeaseMs)
  return await subscribe(world, channel, { worker: before.worker })
}
