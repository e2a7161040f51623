import assert from 'node:assert/strict'
import { NarrowcastError } from '../../core/errors.ts'
import type { ChannelOptions } from '../../runtime/api.ts'
import type { Case, LiveRow } from './case.ts'
import {
  all,
  allSeen,
  goneMs,
  join,
  joinNoting,
  leader,
  publisher,
  publishMany,
  type Seen,
  upTo,
} from './runtimeLiveSteps.ts'
import { codesOf, eventually, heard } from './runtimeSteps.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

/** What users are promised of the live patterns over any driver. */
export const runtimeLiveCases: readonly Case<RuntimeWorld, LiveRow>[] = [
  {
    name: 'live: a failing handler is one error with the id, and no second delivery',
    async run(world) {
      const channel = await publisher(world)
      const runs: number[] = []
      const { worker } = await join(world, (n) => {
        runs.push(n)
        if (n === 0) throw new Error('no')
        return n === 1 ? { kind: 'retry' } : { kind: 'dead', reason: 'never' }
      })
      const errors = heard(worker, 'error')
      await publishMany(world, channel, upTo(3))
      await eventually(world, () => assert.equal(errors.length, 3))
      await world.pass(200)
      assert.deepEqual(runs, [0, 1, 2])
      assert.deepEqual(
        errors.map(({ id }) => id),
        ['m0', 'm1', 'm2'],
      )
      assert.deepEqual(new Set(codesOf(errors)), new Set(['HANDLER_FAILED']))
    },
  },
  {
    name: 'live: each message is settled, or an error with its id',
    async run(world) {
      const channel = await publisher(world)
      const { worker } = await join(world, (n) => {
        if (n % 3 === 0) throw new Error('no')
      })
      const settled = heard(worker, 'settled')
      const errors = heard(worker, 'error')
      await publishMany(world, channel, upTo(30))
      await eventually(world, () => assert.equal(settled.length + errors.length, 30))
      assert.equal(errors.length, 10)
      const ids = [...settled, ...errors].map(({ id }) => id)
      assert.equal(new Set(ids).size, 30)
    },
  },
  {
    name: 'live: what cannot be read is an error, and no handler runs',
    async run(world) {
      await publisher(world)
      let runs = 0
      const { worker, node } = await join(world, () => void runs++)
      const errors = heard(worker, 'error')
      const raw = node.channel<Uint8Array>({ codec: 'bytes' })
      await world.until(raw.publish(new Uint8Array([123]), { id: 'broken' }))
      await eventually(world, () => assert.equal(errors.length, 1))
      assert.deepEqual([errors[0]?.id, codesOf(errors), runs], ['broken', ['INVALID_MESSAGE'], 0])
    },
  },
  {
    name: 'live: no more handlers at once than asked for, and all are given their turn',
    async run(world) {
      const channel = await publisher(world)
      let running = 0
      let most = 0
      const seen: number[] = []
      await join(
        world,
        async (n) => {
          most = Math.max(most, ++running)
          await world.clock.sleep(5, world.signal)
          running--
          seen.push(n)
        },
        { concurrency: 3 },
      )
      await publishMany(world, channel, upTo(40))
      await eventually(world, () => assert.equal(seen.length, 40))
      assert.equal(most, 3)
    },
  },
  {
    name: 'live: drain leaves, and lets what has begun end',
    async run(world) {
      const channel = await publisher(world)
      const end = Promise.withResolvers<void>()
      const begun = Promise.withResolvers<void>()
      const { worker } = await join(world, () => {
        begun.resolve()
        return end.promise
      })
      const settled = heard(worker, 'settled')
      await publishMany(world, channel, [0])
      await world.until(begun.promise)
      const draining = worker.drain({ timeoutMs: 20_000 })
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'other')
      await world.pass(100)
      await publishMany(world, channel, [1])
      await allSeen(world, seen, [1])
      end.resolve()
      const drained = await world.until(draining)
      assert.deepEqual(drained, { settled: 1, released: 0, abandoned: 0 })
      assert.deepEqual(
        settled.map(({ id }) => id),
        ['m0'],
      )
    },
  },
  {
    name: 'live: drain begins all that was handed over, and nothing that comes later',
    async run(world) {
      const relaying = world.row === 'narrowcast-relay' ? await leader(world) : null
      const channel = (await world.node()).channel<number>()
      const seen: number[] = []
      const end = Promise.withResolvers<void>()
      const { worker } = await join(world, (n) => {
        seen.push(n)
        return end.promise
      })
      await publishMany(world, channel, upTo(20))
      await eventually(world, () => assert.equal(relaying?.relay.counts.routed ?? 20, 20))
      await eventually(world, () => assert.deepEqual(seen, [0]))
      const draining = worker.drain({ timeoutMs: 20_000 })
      end.resolve()
      const { abandoned } = await world.until(draining)
      assert.deepEqual([seen, abandoned], [upTo(20), 0])
    },
  },
  {
    name: 'live: a cut connection loses nothing, or is told as a gap',
    needs: ({ resumes }) => resumes,
    async run(world) {
      const channel = await publisher(world)
      const seen: Seen = new Map()
      const { node, worker } = await joinNoting(world, seen, 'a')
      const gaps = heard(worker, 'gap')
      await publishMany(world, channel, upTo(5))
      await allSeen(world, seen, upTo(5))
      node.network.isDown = true
      node.driver.drop()
      await eventually(world, () => assert.ok(!worker.isReady))
      await publishMany(world, channel, upTo(5, 5))
      await world.pass(200)
      node.network.isDown = false
      await allSeen(world, seen, upTo(10))
      assert.deepEqual([gaps, worker.isReady], [[], true])
    },
    async refusal(world) {
      const channel = await publisher(world)
      const seen: Seen = new Map()
      const { node, worker } = await joinNoting(world, seen, 'a')
      const gaps = heard(worker, 'gap')
      node.driver.drop()
      await eventually(world, () => assert.ok(gaps.length > 0))
      assert.equal(gaps[0]?.why, 'reconnect')
      await publishMany(world, channel, [1])
      await allSeen(world, seen, [1])
    },
  },
  {
    name: 'live: who was stopped past its lease is told of a gap, and is there again',
    async run(world) {
      const channel = await publisher(world)
      const seen: number[] = []
      const end = Promise.withResolvers<void>()
      const { node, worker } = await join(world, (n) => {
        seen.push(n)
        return n === 0 ? end.promise : undefined
      })
      const gaps = heard(worker, 'gap')
      await publishMany(world, channel, [0])
      await eventually(world, () => assert.deepEqual(seen, [0]))
      node.process.freeze() // with no room, so that it does not wait at the broker
      await world.pass(goneMs)
      node.process.thaw()
      end.resolve()
      await eventually(world, () => assert.ok(gaps.length > 0 && worker.isReady))
      assert.deepEqual(gaps, [{ missed: 'unknown', why: 'reconnect' }])
      await publishMany(world, channel, [1])
      await eventually(world, () => assert.deepEqual(seen, [0, 1]))
    },
  },
  {
    name: 'live: what only kept messages have is refused at the call',
    async run(world) {
      const node = await world.node()
      const options: ChannelOptions<number>[] = [
        { leaseMs: 5_000 },
        { attempts: 3 },
        { deliveriesMax: 3 },
        { backoff: {} },
        { retention: {} },
        { dedupe: { on: 'consume' } },
        { publish: { retry: 'always' } },
      ]
      const refused = (error: unknown) =>
        error instanceof NarrowcastError && error.code === 'UNSUPPORTED'
      for (const wish of options) assert.throws(() => node.channel(wish), refused)
      const channel = node.channel<number>()
      assert.throws(() => channel.deliveries(), refused)
      assert.throws(() => channel.subscribe(() => {}, { group: 'mail' }), refused)
      await assert.rejects(channel.publish(1, { delayMs: 5 }), refused)
    },
  },
  {
    name: 'live: plain data comes as it went',
    needs: (claimed) => claimed.plainData,
    async run(world) {
      const channel = await publisher(world, { envelope: false })
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'a')
      await world.until(channel.publish(7))
      await allSeen(world, seen, [7])
    },
    async refusal(world) {
      const node = await world.node()
      const opening = node.channel<number>({ envelope: false }).opened()
      await assert.rejects(world.until(opening), { code: 'UNSUPPORTED' })
    },
  },
  {
    name: 'broadcast: every subscriber is given every message once, and the publisher told how many',
    patterns: ['broadcast'],
    async run(world) {
      const channel = await publisher(world)
      const seen: Seen = new Map()
      for (const name of ['a', 'b', 'c']) await joinNoting(world, seen, name)
      const receipt = await world.until(channel.publish(0))
      assert.equal(receipt.receivers, world.claimed.receivers === 'counted' ? 3 : undefined)
      await publishMany(world, channel, upTo(50, 1))
      // Where order is by key, each of these has one of its own.
      const isByKey = world.claimed.order.scope === 'key'
      await eventually(world, () => {
        for (const given of seen.values()) {
          assert.deepEqual(isByKey ? given.toSorted((a, b) => a - b) : given, upTo(51))
        }
      })
    },
  },
  {
    name: 'broadcast: nobody there is told as such',
    patterns: ['broadcast'],
    needs: ({ noReader }) => noReader === 'dropped-reported',
    async run(world) {
      const channel = await publisher(world)
      const receipt = await world.until(channel.publish(0))
      assert.equal(receipt.receivers, 0)
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'late')
      await publishMany(world, channel, [1])
      await allSeen(world, seen, [1])
    },
    async refusal(world) {
      const channel = await publisher(world)
      assert.equal((await world.until(channel.publish(0))).receivers, undefined)
    },
  },
  {
    name: 'narrowcast: exactly one is given each message',
    patterns: ['narrowcast', 'narrowcast-relay'],
    async run(world) {
      const channel = await publisher(world)
      const seen: Seen = new Map()
      for (const name of ['a', 'b', 'c']) await joinNoting(world, seen, name)
      for (const n of upTo(60)) {
        const receipt = await world.until(channel.publish(n))
        assert.equal(receipt.receivers, 1)
      }
      await allSeen(world, seen, upTo(60))
      await world.pass(100)
      assert.equal(all(seen).length, 60)
      for (const given of seen.values()) assert.ok(given.length > 0, 'each has its share')
    },
  },
  {
    name: 'narrowcast: no worker is told at once, and certainly nothing was sent',
    patterns: ['narrowcast'],
    async run(world) {
      const channel = await publisher(world)
      const beforeMs = world.clock.monotonicMs()
      const publishing = channel.publish(0)
      await assert.rejects(world.until(publishing), { code: 'NO_WORKER', definite: true })
      if (world.isExact) assert.equal(world.clock.monotonicMs(), beforeMs)
      const seen: Seen = new Map()
      await joinNoting(world, seen, 'late')
      await publishMany(world, channel, [1])
      await allSeen(world, seen, [1])
    },
  },
  {
    name: 'narrowcast: a worker that left is passed over, and nothing is lost by it',
    patterns: ['narrowcast', 'narrowcast-relay'],
    async run(world) {
      const channel = await publisher(world)
      const seen: Seen = new Map()
      const { worker } = await joinNoting(world, seen, 'a')
      await joinNoting(world, seen, 'b')
      await publishMany(world, channel, upTo(20))
      await allSeen(world, seen, upTo(20))
      await world.until(worker.drain())
      await publishMany(world, channel, upTo(20, 20))
      await allSeen(world, seen, upTo(40))
    },
  },
  {
    name: 'narrowcast: a worker that was killed is given nothing more after its lease',
    patterns: ['narrowcast', 'narrowcast-relay'],
    async run(world) {
      const channel = await publisher(world)
      const seen: Seen = new Map()
      const { node } = await joinNoting(world, seen, 'a')
      node.process.kill()
      await joinNoting(world, seen, 'b')
      await world.pass(goneMs)
      await publishMany(world, channel, upTo(20))
      await allSeen(world, seen, upTo(20))
      assert.deepEqual(seen.get('a'), [])
    },
  },
  {
    name: 'narrowcast: a key stays with its worker, whoever publishes it',
    patterns: ['narrowcast'],
    async run(world) {
      const seen: Seen = new Map()
      for (const name of ['a', 'b', 'c']) await joinNoting(world, seen, name)
      for (let round = 0; round < 3; round++) {
        const channel = (await world.node()).channel<number>({ strategy: 'sticky' })
        await publishMany(world, channel, upTo(20))
      }
      await eventually(world, () => assert.equal(all(seen).length, 60))
      const [a, b, c] = [...seen.values()].map((given) => new Set(given))
      assert.equal((a?.size ?? 0) + (b?.size ?? 0) + (c?.size ?? 0), 20)
    },
  },
]
