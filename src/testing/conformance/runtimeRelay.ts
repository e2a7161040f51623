import assert from 'node:assert/strict'
import type { RelayCounts, RelayDecision } from '../../runtime/live/relayApi.ts'
import type { Case, LiveRow } from './case.ts'
import {
  all,
  allSeen,
  joinNoting,
  leader,
  publishMany,
  relaying,
  relayLeaseMs,
  type Seen,
  upTo,
} from './runtimeLiveSteps.ts'
import { eventually } from './runtimeSteps.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

const none = { taken: 0, routed: 0, rerouted: 0, unknown: 0, noWorker: 0, held: 0, dropped: 0 }
const relay = ['narrowcast-relay'] as const

/** Waits until a relay has nothing on its way. */
function balanced(world: RuntimeWorld, of: { readonly counts: RelayCounts }): Promise<void> {
  return eventually(world, () => {
    const { taken, routed, unknown, noWorker, held, dropped } = of.counts
    assert.equal(routed + unknown + noWorker + held + dropped, taken)
  })
}

/** What users are promised of a relay, over any driver. */
export const runtimeRelayCases: readonly Case<RuntimeWorld, LiveRow>[] = [
  {
    name: 'relay: taken = routed + no-worker, and each routed message reached one',
    patterns: relay,
    async run(world) {
      const made: RelayDecision[] = []
      const one = await leader(world, {
        strategy: 'roundRobin',
        onDecision: (some) => void made.push(...some),
      })
      const channel = (await world.node()).channel<number>()
      await publishMany(world, channel, upTo(10))
      await eventually(world, () => assert.equal(one.relay.counts.noWorker, 10))
      const seen: Seen = new Map()
      const { worker } = await joinNoting(world, seen, 'a')
      await joinNoting(world, seen, 'b')
      await publishMany(world, channel, upTo(30, 10))
      await allSeen(world, seen, upTo(30, 10))
      await world.until(worker.drain())
      await publishMany(world, channel, upTo(30, 40))
      await allSeen(world, seen, upTo(60, 10))
      await balanced(world, one.relay)
      const { rerouted, ...counts } = one.relay.counts
      assert.deepEqual({ ...counts, rerouted: 0 }, { ...none, taken: 70, routed: 60, noWorker: 10 })
      assert.deepEqual(
        one.errors.map(({ id }) => id),
        upTo(10).map((n) => `m${n}`),
      )
      const of = (kind: RelayDecision['kind']) => made.filter((some) => some.kind === kind).length
      assert.deepEqual([of('taken'), of('no-worker')], [70, 10])
      assert.equal(of('routed'), 60)
      assert.ok(of('rerouted') >= rerouted)
    },
  },
  {
    name: 'relay: without one, nobody has taken the message, and the publisher is told',
    patterns: relay,
    async run(world) {
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'a')
      const channel = (await world.node()).channel<number>()
      assert.equal((await world.until(channel.publish(0))).receivers, 0)
      await leader(world)
      assert.equal((await world.until(channel.publish(1))).receivers, 1)
      await allSeen(world, seen, [1])
    },
  },
  {
    name: 'relay: one leads; when it is killed another takes over within the lease',
    patterns: relay,
    async run(world) {
      const seen: Seen = new Map()
      for (const name of ['a', 'b']) await joinNoting(world, seen, name)
      const first = await leader(world, { leaseMs: relayLeaseMs })
      const second = await relaying(world, { leaseMs: relayLeaseMs })
      const channel = (await world.node()).channel<number>()
      await publishMany(world, channel, upTo(20))
      await allSeen(world, seen, upTo(20))
      assert.deepEqual([first.relay.isReady, second.relay.isReady], [true, false])
      first.node.process.kill()
      await world.until(second.relay.ready())
      await publishMany(world, channel, upTo(20, 20))
      await allSeen(world, seen, upTo(40))
      await balanced(world, second.relay)
      assert.deepEqual(second.relay.counts, { ...none, taken: 20, routed: 20 })
    },
  },
  {
    name: 'relay: one that is closed routes what it was given, and lets another lead at once',
    patterns: relay,
    async run(world) {
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'a')
      const first = await leader(world, { leaseMs: 60_000 })
      const second = await relaying(world, { leaseMs: 60_000 })
      const channel = (await world.node()).channel<number>()
      await publishMany(world, channel, upTo(20))
      await world.until(first.relay.close())
      await world.until(second.relay.ready())
      await publishMany(world, channel, upTo(20, 20))
      await allSeen(world, seen, upTo(40))
      const counts = [first.relay.counts, second.relay.counts]
      assert.deepEqual(
        counts.map(({ taken }) => taken),
        [20, 20],
      )
    },
  },
  {
    name: 'relay: a stopped leader routes nothing once another leads, and says what it dropped',
    patterns: relay,
    async run(world) {
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'a')
      const stopped = Promise.withResolvers<void>()
      const first = await leader(world, {
        leaseMs: relayLeaseMs,
        async onDecision(made) {
          if (!made.some(({ id, kind }) => id === 'm1' && kind === 'routed')) return
          first.node.process.freeze() // between the decision and the send
          stopped.resolve()
          await first.node.process.gate()
        },
      })
      const channel = (await world.node()).channel<number>()
      await publishMany(world, channel, [0])
      await allSeen(world, seen, [0])
      const second = await relaying(world, { leaseMs: relayLeaseMs })
      await publishMany(world, channel, [1])
      await world.until(stopped.promise)
      await world.until(second.relay.ready())
      await publishMany(world, channel, [2])
      await allSeen(world, seen, [0, 2])
      first.node.process.thaw()
      await eventually(world, () => assert.equal(first.relay.counts.dropped, 1))
      await world.pass(100)
      assert.deepEqual(all(seen), [0, 2])
      assert.deepEqual(first.relay.counts, { ...none, taken: 2, routed: 1, dropped: 1 })
      assert.ok(first.errors.some(({ id }) => id === 'm1'))
      assert.equal(first.relay.isReady, false)
    },
  },
  {
    name: 'relay: what is held comes when a worker comes in time, and goes when none does',
    patterns: relay,
    async run(world) {
      const one = await leader(world, { hold: { messages: 3, ms: 2_000 } })
      const channel = (await world.node()).channel<number>()
      await publishMany(world, channel, upTo(5))
      await eventually(world, () => assert.equal(one.relay.counts.held, 3))
      assert.equal(one.relay.counts.noWorker, 2)
      const seen: Seen = new Map()
      const { worker } = await joinNoting(world, seen, 'a')
      await allSeen(world, seen, [2, 3, 4])
      await world.until(worker.drain())
      await publishMany(world, channel, [5])
      await eventually(world, () => assert.equal(one.relay.counts.held, 1))
      await world.pass(3_000)
      assert.deepEqual(one.relay.counts, { ...none, taken: 6, routed: 3, noWorker: 3 })
      await joinNoting(world, seen, 'b')
      await world.pass(500)
      assert.deepEqual(all(seen), [2, 3, 4])
    },
  },
  {
    name: 'relay: one whose connection broke leads again, or another does',
    patterns: relay,
    async run(world) {
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'a')
      const one = await leader(world, { leaseMs: relayLeaseMs })
      const channel = (await world.node()).channel<number>()
      one.node.driver.drop()
      await eventually(world, () => assert.equal(one.relay.isReady, false))
      await eventually(world, () => assert.equal(one.relay.isReady, true))
      await publishMany(world, channel, upTo(10))
      await allSeen(world, seen, upTo(10))
      await balanced(world, one.relay)
    },
  },
  {
    name: 'relay: it is refused where the driver has none',
    patterns: ['narrowcast'],
    async run(world) {
      const { bus } = await world.node()
      const starting = bus.relay(world.name)
      if (bus.contracts['narrowcast-relay']) await world.until(starting)
      else await assert.rejects(world.until(starting), { code: 'UNSUPPORTED' })
    },
  },
]
