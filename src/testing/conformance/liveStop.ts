import assert from 'node:assert/strict'
import type { LiveCase } from './case.ts'
import {
  expectEnded,
  hand,
  handedIds,
  type Joined,
  join,
  lead,
  liveOf,
  send,
  subscribe,
  takeIds,
  toNobody,
} from './liveSteps.ts'
import { declare, offered, several, shortLeaseMs } from './steps.ts'

const room = { messages: 10, bytes: 1_000_000 }

/** How one leaves and loses nothing. */
export const liveStopCases: readonly LiveCase[] = [
  {
    name: 'live: one that has stopped is handed nothing more, and reads what it had',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, { hold: { messages: 3, bytes: 1_000_000 } })
      const { source } = joined
      await hand(world, channel, joined, several(5))
      await world.until(source.stop(world.signal))
      await world.until(source.stop(world.signal))
      const other = await world.open()
      const late = await hand(world, channel, joined, several(1, 'late'), other)
      assert.deepEqual(late, [toNobody(world)])
      await world.until(source.renew(world.signal))
      const isBound = world.claimed.tells.includes('overflow')
      const had = several(5).map(({ id }) => id)
      const left = isBound ? had.slice(2) : had
      assert.deepEqual(await takeIds(world, joined, left.length, { messages: 2 }), left)
      assert.deepEqual(joined.gaps, isBound ? [{ missed: 2, why: 'overflow' }] : [])
      for (let n = 0; n < 2; n++) {
        const rest = await world.until(source.receive(room, world.signal))
        assert.deepEqual(handedIds(rest), [])
      }
      await source[Symbol.asyncDispose]()
      await assert.rejects(source.stop(world.signal), { code: 'CLOSED' })
    },
  },
  {
    name: 'live: stopping ends a receive that waits, and others go on',
    patterns: ['broadcast', 'narrowcast'],
    async run(world) {
      const channel = await declare(world)
      const [joined, other] = [await subscribe(world, channel), await subscribe(world, channel)]
      const receiving = joined.source.receive(room, world.signal)
      await world.pass(5)
      await world.until(joined.source.stop(world.signal))
      assert.deepEqual(handedIds(await world.until(receiving)), [])
      assert.deepEqual(await hand(world, channel, other, several(1)), [1])
      assert.deepEqual(await takeIds(world, other, 1), ['m0'])
      if (world.row !== 'narrowcast') return
      const live = liveOf(world.session)
      const workers = offered(live.workers, 'workers').call(live, channel, world.signal)
      assert.deepEqual(await world.until(workers), [other.worker])
    },
  },
  {
    name: 'live: one that has ended cannot stop',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, { leaseMs: shortLeaseMs })
      await world.pass(3 * shortLeaseMs)
      const ended = { code: world.row === 'narrowcast-relay' ? 'FENCED' : 'NOT_FOUND' }
      await assert.rejects(world.until(joined.source.stop(world.signal)), ended)
      await expectEnded(world, joined)
    },
  },
  {
    name: 'live: one that has stopped and comes again is handed messages again',
    patterns: ['broadcast', 'narrowcast'],
    needs: (claimed) => claimed.resumes,
    async run(world) {
      const channel = await declare(world)
      const lost = await world.open()
      const before = await subscribe(world, channel, { session: lost })
      await hand(world, channel, before, several(1, 'before'))
      await world.until(before.source.stop(world.signal))
      await lost[Symbol.asyncDispose]()
      const joined = await subscribe(world, channel, { worker: before.worker })
      assert.equal(joined.source.resumed, true)
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      assert.deepEqual(await takeIds(world, joined, 2), ['before0', 'm0'])
    },
    refusal: async () => {},
  },
  {
    name: 'relay: one that has stopped leads on until it is disposed',
    patterns: ['narrowcast-relay'],
    async run(world) {
      const channel = await declare(world)
      const worker = await subscribe(world, channel)
      const first = await world.until(lead(world, channel))
      const granted: Joined[] = []
      const session = await world.open()
      const waiting = lead(world, channel, { session }).then((joined) => {
        granted.push(joined)
        return joined
      })
      await hand(world, channel, first, several(2))
      await world.until(first.source.stop(world.signal))
      assert.deepEqual(await hand(world, channel, first, several(1)), [0])
      assert.deepEqual(await takeIds(world, first, 2), ['m0', 'm1'])
      const sent = await send(world, channel, [worker.worker], several(2), first.source)
      assert.deepEqual(sent, ['handed', 'handed'])
      assert.deepEqual(granted, [])
      await first.source[Symbol.asyncDispose]()
      const second = await world.until(waiting)
      assert.deepEqual(await hand(world, channel, second, several(1)), [1])
    },
  },
]
