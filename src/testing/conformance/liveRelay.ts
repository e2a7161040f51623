import assert from 'node:assert/strict'
import type { LiveCase } from './case.ts'
import { expectEnded, hand, lead, send, subscribe, takeIds, takeNoMessage } from './liveSteps.ts'
import { declare, keptLeaseMs, publish, several, shortLeaseMs } from './steps.ts'

const patterns = ['narrowcast-relay'] as const

/** One relay leads; the others wait, and take over. */
export const liveRelayCases: readonly LiveCase[] = [
  {
    name: 'relay: one leads, and it alone is handed what is published',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const first = await world.until(lead(world, channel))
      let leads = 1
      const session = await world.open()
      const waiting = lead(world, channel, { session }).then((second) => {
        leads++
        return second
      })
      await world.pass(50)
      assert.deepEqual(await hand(world, channel, first, several(2, 'a')), [1, 1])
      assert.deepEqual(await takeIds(world, first, 2), ['a0', 'a1'])
      assert.equal(leads, 1)
      await hand(world, channel, first, several(1, 'unread'))
      const leftMs = world.wallMs()
      await first.source[Symbol.asyncDispose]()
      const second = await world.until(waiting)
      assert.ok(
        world.wallMs() - leftMs < channel.leaseMs / 2,
        'it waited for a lease of who had left',
      )
      assert.notEqual(second.source.fence, first.source.fence)
      assert.deepEqual(await hand(world, channel, second, several(1, 'b')), [1])
      assert.deepEqual(await takeIds(world, second, 1), ['b0'])
      await takeNoMessage(world, second)
    },
  },
  {
    name: 'relay: what it sends goes to exactly one worker, and nobody stands in',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const [a, b] = [await subscribe(world, channel), await subscribe(world, channel)]
      const { source } = await world.until(lead(world, channel, { session: await world.open() }))
      const gone = { id: a.worker.id, incarnation: 'gone' }
      const to = [a.worker, gone, b.worker]
      const outcomes = await send(world, channel, to, several(1), source)
      assert.deepEqual(outcomes, ['handed', 'nobody', 'handed'])
      assert.deepEqual(await takeIds(world, a, 1), ['m0'])
      assert.deepEqual(await takeIds(world, b, 1), ['m0'])
      await takeNoMessage(world, a)
      assert.deepEqual(await send(world, channel, [a.worker], several(1), null), ['handed'])
    },
  },
  {
    name: 'relay: a stopped leader routes nothing',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const worker = await subscribe(world, channel)
      const stopped = await world.until(lead(world, channel, { leaseMs: shortLeaseMs }))
      await hand(world, channel, stopped, several(2, 'unread'))
      const session = await world.open()
      const next = await world.until(lead(world, channel, { session }))
      const to = [worker.worker]
      const late = await send(world, channel, to, several(3, 'late'), stopped.source)
      assert.deepEqual(late, ['fenced', 'fenced', 'fenced'])
      await expectEnded(world, stopped)
      await stopped.source[Symbol.asyncDispose]()
      assert.deepEqual(await send(world, channel, to, several(1), next.source, session), ['handed'])
      assert.deepEqual(await takeIds(world, worker, 1), ['m0'])
      await takeNoMessage(world, worker)
      await takeNoMessage(world, next)
    },
  },
  {
    name: 'relay: an ended lead sends nothing, even where nobody has taken over',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const { worker } = await subscribe(world, channel)
      const stopped = await world.until(lead(world, channel, { leaseMs: shortLeaseMs }))
      await world.pass(3 * shortLeaseMs)
      const said = await send(world, channel, [worker], several(2), stopped.source)
      assert.deepEqual(said, ['fenced', 'fenced'])
      assert.deepEqual(await hand(world, channel, stopped, several(1)), [0])
      const left = await world.until(lead(world, channel))
      await left.source[Symbol.asyncDispose]()
      const after = await send(world, channel, [worker], several(1), left.source)
      assert.deepEqual(after, ['fenced'])
    },
  },
  {
    name: 'relay: takeover within the lease, in the order in which they came',
    patterns,
    async run(world) {
      const channel = await declare(world)
      await world.until(lead(world, channel, { leaseMs: shortLeaseMs }))
      const order: string[] = []
      const session = await world.open()
      const candidate = async (id: string) => {
        const leading = await lead(world, channel, { session })
        order.push(id)
        return leading
      }
      const [second, third] = [candidate('second'), candidate('third')]
      await world.pass(world.isExact ? shortLeaseMs : 0)
      if (world.isExact) assert.deepEqual(order, ['second'])
      await (await world.until(second)).source[Symbol.asyncDispose]()
      await world.until(third)
      assert.deepEqual(order, ['second', 'third'])
    },
  },
  {
    name: 'relay: a lead that renews, receives or waits is not taken over',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const joined = await world.until(lead(world, channel, { leaseMs: keptLeaseMs }))
      let leads = 1
      const abort = new AbortController()
      const waiting = lead(world, channel, { signal: abort.signal }).then(() => leads++)
      const refused = assert.rejects(waiting)
      refused.catch(() => {}) // told where it is awaited
      for (let passed = 0; passed < 1.5 * keptLeaseMs; passed += 150) {
        await world.pass(150)
        await world.until(joined.source.renew(world.signal))
      }
      const receiving = takeIds(world, joined, 1)
      await world.pass(1.5 * keptLeaseMs)
      assert.deepEqual(await hand(world, channel, joined, several(1)), [1])
      assert.deepEqual(await receiving, ['m0'])
      assert.equal(leads, 1)
      abort.abort()
      await world.until(refused)
    },
  },
  {
    name: 'relay: who waits no more never leads',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const first = await world.until(lead(world, channel))
      const abort = new AbortController()
      const left = lead(world, channel, { signal: abort.signal })
      const refused = assert.rejects(left, { code: 'ABORTED' })
      await world.pass(20)
      const waiting = lead(world, channel, { session: await world.open() })
      await world.pass(20)
      abort.abort()
      await world.until(refused)
      await first.source[Symbol.asyncDispose]()
      const second = await world.until(waiting)
      assert.deepEqual(await hand(world, channel, second, several(1)), [1])
      assert.deepEqual(await takeIds(world, second, 1), ['m0'])
      await assert.rejects(lead(world, channel, { signal: AbortSignal.abort() }), {
        code: 'ABORTED',
      })
    },
  },
  {
    name: 'relay: its session closes, and the next one leads at once',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const session = await world.open()
      const first = await world.until(lead(world, channel, { session }))
      const waiting = lead(world, channel)
      await world.pass(20)
      const closedMs = world.wallMs()
      await session[Symbol.asyncDispose]()
      const second = await world.until(waiting)
      assert.ok(world.wallMs() - closedMs < channel.leaseMs / 2, 'it waited for the lease')
      assert.notEqual(second.source.fence, first.source.fence)
      const closed = { code: 'CLOSED' }
      await assert.rejects(first.source.renew(world.signal), closed)
    },
  },
  {
    name: 'relay: workers that are sent to directly are no business of its publishers',
    patterns,
    async run(world) {
      const channel = await declare(world)
      const worker = await subscribe(world, channel)
      const [outcome] = await publish(world, channel, several(1))
      assert.ok(outcome?.state === 'stored' && outcome.receivers === 0)
      await takeNoMessage(world, worker)
    },
  },
]
