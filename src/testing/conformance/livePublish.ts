import assert from 'node:assert/strict'
import type { LiveCase } from './case.ts'
import {
  hand,
  join,
  liveOf,
  receiversOf,
  send,
  subscribe,
  takeIds,
  takeNoMessage,
} from './liveSteps.ts'
import {
  declare,
  endingLeaseMs,
  offered,
  outgoing,
  publish,
  publisherOf,
  several,
} from './steps.ts'

const published = ['broadcast', 'narrowcast-relay'] as const
const narrowcast = ['narrowcast'] as const

/** To whom a message goes, and what its publisher is told. */
export const livePublishCases: readonly LiveCase[] = [
  {
    name: 'broadcast: everybody who is there has a copy, in the same order, and is counted',
    patterns: ['broadcast'],
    async run(world) {
      const channel = await declare(world)
      const other = await world.open()
      const first = await subscribe(world, channel)
      const batches = [await publish(world, channel, several(2, 'a'))]
      const second = await subscribe(world, channel, { session: other })
      batches.push(await publish(world, channel, several(2, 'b'), other))
      const third = await subscribe(world, channel, { leaseMs: endingLeaseMs })
      batches.push(await publish(world, channel, several(2, 'c')))
      await world.pass(2 * endingLeaseMs)
      batches.push(await publish(world, channel, several(1, 'd')))
      const counts = batches.flat().map((one) => receiversOf(world, one))
      const isCounted = world.claimed.receivers === 'counted'
      assert.deepEqual(counts, isCounted ? [1, 1, 2, 2, 3, 3, 2] : Array(7).fill(null))
      const all = ['a0', 'a1', 'b0', 'b1', 'c0', 'c1', 'd0']
      assert.deepEqual(await takeIds(world, first, 7), all)
      assert.deepEqual(await takeIds(world, second, 5), all.slice(2))
      await assert.rejects(third.source.renew(world.signal), { code: 'NOT_FOUND' })
    },
  },
  {
    name: 'live: a message for nobody is told to its publisher, and owed to nobody',
    patterns: published,
    needs: (claimed) => claimed.noReader === 'dropped-reported',
    async run(world) {
      const channel = await declare(world)
      for (const outcome of await publish(world, channel, several(2))) {
        assert.equal(outcome.state === 'stored' && outcome.receivers, 0)
      }
      await takeNoMessage(world, await join(world, channel))
    },
    refusal: async () => {},
  },
  {
    name: 'live: too large spares its neighbours, and is refused for good',
    patterns: published,
    async run(world) {
      const channel = await declare(world, { payloadBytesMax: 64 })
      const joined = await join(world, channel)
      await using publisher = await publisherOf(world, channel)
      const large = outgoing('large', { body: JSON.stringify('.'.repeat(63)) })
      const batch = [outgoing('before'), large, outgoing('after')]
      const outcomes = await world.until(publisher.publish(batch, world.signal))
      assert.deepEqual(
        outcomes.map(({ state }) => state),
        ['stored', 'refused', 'stored'],
      )
      assert.ok(outcomes[1]?.state === 'refused' && outcomes[1].code === 'PAYLOAD_TOO_LARGE')
      assert.deepEqual(await takeIds(world, joined, 2), ['before', 'after'])
    },
  },
  {
    name: 'live: nothing is delayed: a wish for it is refused',
    patterns: published,
    needs: (claimed) => claimed.delay.how === 'no',
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      await using publisher = await publisherOf(world, channel)
      const batch = [outgoing('later', { delayMs: 5 }), outgoing('now')]
      const [later, now] = await world.until(publisher.publish(batch, world.signal))
      assert.ok(later?.state === 'refused' && later.code === 'UNSUPPORTED')
      assert.equal(now?.state, 'stored')
      assert.deepEqual(await takeIds(world, joined, 1), ['now'])
      await takeNoMessage(world, joined)
    },
    async refusal(world) {
      assert.notEqual(world.claimed.delay.how, 'no')
    },
  },
  {
    name: 'live: a closed publisher publishes nothing',
    patterns: published,
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel)
      const publisher = await publisherOf(world, channel)
      await publisher[Symbol.asyncDispose]()
      await assert.rejects(publisher.publish(several(1), world.signal), { code: 'CLOSED' })
      await takeNoMessage(world, joined)
    },
  },
  {
    name: 'narrowcast: a message goes to exactly one, the one it was sent to',
    patterns: narrowcast,
    async run(world) {
      const channel = await declare(world)
      const [a, b] = [await join(world, channel), await join(world, channel)]
      assert.deepEqual(await send(world, channel, [a.worker], several(3, 'a')), [
        'handed',
        'handed',
        'handed',
      ])
      assert.deepEqual(await hand(world, channel, b, several(1, 'b'), await world.open()), [1])
      assert.deepEqual(await takeIds(world, a, 3), ['a0', 'a1', 'a2'])
      assert.deepEqual(await takeIds(world, b, 1), ['b0'])
      await takeNoMessage(world, a)
      await takeNoMessage(world, b)
    },
  },
  {
    name: 'narrowcast: who is there is known, by id and incarnation',
    patterns: narrowcast,
    async run(world) {
      const channel = await declare(world)
      const live = liveOf(await world.open())
      const ask = async () => {
        const found = await world.until(
          offered(live.workers, 'workers').call(live, channel, world.signal),
        )
        return found.map(({ id, incarnation }) => `${id} ${incarnation}`).sort()
      }
      assert.deepEqual(await ask(), [])
      const worker = { id: 'b', incarnation: 'one' }
      const silent = await join(world, channel, { leaseMs: endingLeaseMs })
      const leaving = await join(world, channel, { worker })
      assert.deepEqual(await ask(), ['b one', `${silent.worker.id} one`])
      await leaving.source[Symbol.asyncDispose]()
      await world.pass(2 * endingLeaseMs)
      assert.deepEqual(await ask(), [])
      await join(world, channel, { worker: { id: 'b', incarnation: 'two' } })
      assert.deepEqual(await ask(), ['b two'])
    },
  },
  {
    name: 'narrowcast: prefix twins are not workers, and nobody stands in for who is gone',
    patterns: narrowcast,
    async run(world) {
      const channel = await declare(world)
      const joined = await join(world, channel, {
        worker: { id: 'mail-1_', incarnation: 'one' },
      })
      const strangers = [
        { id: 'mail-1', incarnation: 'one' },
        { id: 'mail-1_2', incarnation: 'one' },
        { id: 'mail-1%', incarnation: 'one' },
        { id: 'mail-1*', incarnation: 'one' },
        { id: 'MAIL-1_', incarnation: 'one' },
        { id: 'mail-12', incarnation: 'one' },
        { id: 'mail-1_', incarnation: 'on' },
        { id: 'mail-1_', incarnation: 'one1' },
      ]
      const outcomes = await send(world, channel, strangers, several(1))
      assert.deepEqual(outcomes, Array(strangers.length).fill('nobody'))
      await takeNoMessage(world, joined)
    },
  },
  {
    name: 'narrowcast: where one can never be sent, none is',
    patterns: narrowcast,
    async run(world) {
      const channel = await declare(world, { payloadBytesMax: 64 })
      const joined = await join(world, channel)
      const large = outgoing('large', { body: JSON.stringify('.'.repeat(63)) })
      const later = outgoing('later', { delayMs: 5 })
      for (const [bad, code] of [
        [large, 'PAYLOAD_TOO_LARGE'],
        [later, 'UNSUPPORTED'],
      ] as const) {
        const sending = send(world, channel, [joined.worker], [outgoing('before'), bad])
        await assert.rejects(sending, { code })
      }
      await takeNoMessage(world, joined)
    },
  },
  {
    name: 'narrowcast: its publisher picks the worker: there is none that publishes',
    patterns: narrowcast,
    async run(world) {
      const channel = await declare(world)
      await assert.rejects(publisherOf(world, channel), { code: 'UNSUPPORTED' })
    },
  },
  {
    name: 'broadcast: nobody picks a worker, and nobody leads',
    patterns: ['broadcast'],
    async run(world) {
      const channel = await declare(world)
      const { worker } = await subscribe(world, channel)
      const live = liveOf(world.session)
      const spec = { worker, leaseMs: 1_000, hold: { messages: 1, bytes: 1_000 } }
      const [message] = several(1)
      const unsupported = { code: 'UNSUPPORTED' }
      await assert.rejects(async () => {
        await (live.workers?.(channel, world.signal) ?? refused())
      }, unsupported)
      await assert.rejects(async () => {
        const batch = message ? [{ to: worker, message }] : []
        await (live.send?.(channel, batch, null, world.signal) ?? refused())
      }, unsupported)
      await assert.rejects(async () => {
        await (live.lead?.(channel, spec, { gap: () => {} }, world.signal) ?? refused())
      }, unsupported)
    },
  },
]

/** A call that is not there is refused too. */
async function refused(): Promise<never> {
  throw Object.assign(new Error('there is no such call'), { code: 'UNSUPPORTED' })
}
