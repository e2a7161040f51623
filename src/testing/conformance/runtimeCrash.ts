import assert from 'node:assert/strict'
import type { Received } from '../../runtime/api.ts'
import type { Case } from './case.ts'
import {
  codesOf,
  deadOf,
  depthOf,
  eventually,
  heard,
  keptLeaseMs,
  shortLeaseMs,
  workedOff,
} from './runtimeSteps.ts'
import type { Node, RuntimeWorld } from './runtimeWorld.ts'
import { done } from './steps.ts'

const counted = (claimed: RuntimeWorld['claimed']) => claimed.counts.crashes === 'exact'

/** Workers that are killed by one message, each replaced by the next. */
async function runKillers(
  world: RuntimeWorld,
  seen: (delivery: Received<string>, running: number) => void,
  deliveriesMax: number,
): Promise<{ killed: number; last: () => Node }> {
  const state = { killed: 0, node: await world.node() }
  const start = (node: Node) => {
    let running = 0
    state.node = node
    const channel = node.channel<string>({ leaseMs: shortLeaseMs, deliveriesMax })
    channel.subscribe(
      async (what, delivery) => {
        seen(delivery, ++running)
        if (what === 'killer') {
          state.killed++
          node.process.kill()
          void world.node().then(start)
        }
        await node.process.clock.sleep(5, world.signal)
        running--
      },
      { ...world.group, concurrency: 3 },
    )
  }
  start(state.node)
  return {
    get killed() {
      return state.killed
    },
    last: () => state.node,
  }
}

export const runtimeCrashCases: readonly Case<RuntimeWorld>[] = [
  {
    name: 'crash: the killer dies after deliveriesMax, its neighbours live',
    needs: counted,
    async run(world) {
      const sender = await world.node()
      const channel = sender.channel<string>({ leaseMs: shortLeaseMs })
      await world.until(
        channel.publishMany(
          ['a', 'killer', 'b', 'c', 'd'].map((data) => ({ data, options: { id: data } })),
        ),
      )
      const done = new Map<string, number>()
      const workers = await runKillers(
        world,
        ({ data }) => done.set(data, (done.get(data) ?? 0) + 1),
        3,
      )
      const depth = await workedOff(world, sender, 5)
      assert.deepEqual([depth.dead, depth.out], [1, 4])
      assert.equal(workers.killed, 3)
      const [entry] = await deadOf(world, sender)
      assert.deepEqual(
        [entry?.message.id, entry?.letter.cause, entry?.letter.crashes, entry?.letter.failures],
        ['killer', 'crashes', 3, 0],
      )
      assert.deepEqual([...done.keys()].sort(), ['a', 'b', 'c', 'd', 'killer'])
    },
    refusal: async () => {},
  },
  {
    name: 'crash: suspects run alone',
    needs: counted,
    async run(world) {
      const sender = await world.node()
      const channel = sender.channel<string>({ leaseMs: shortLeaseMs })
      const mixed: string[] = []
      let suspects = 0
      await runKillers(
        world,
        ({ crashes, message }, running) => {
          if (crashes === 0) return
          suspects++
          if (running > 1) mixed.push(message.id)
        },
        2,
      )
      await world.until(
        channel.publishMany(['killer', 'a', 'b', 'c', 'd', 'e'].map((data) => ({ data }))),
      )
      await workedOff(world, sender, 6)
      assert.ok(suspects >= 1)
      assert.deepEqual(mixed, [])
    },
    refusal: async () => {},
  },
  {
    name: 'crash: a killer buries nobody beside it, in whichever channel of the bus',
    needs: counted,
    async run(world) {
      const sender = await world.node()
      const wish = { leaseMs: 2 * shortLeaseMs, deliveriesMax: 3 }
      const otherOf = (node: Node) => node.bus[world.pattern]<number>(`${world.name}.other`, wish)
      await world.until(sender.channel<string>(wish).publish('killer', { id: 'killer' }))
      await world.until(otherOf(sender).publishMany([0, 1, 2].map((data) => ({ data }))))
      let killed = 0
      const start = (node: Node) => {
        const { clock } = node.process
        // It dies while the others run, unless it is alone.
        const kill = async () => {
          await clock.sleep(50, world.signal)
          killed++
          node.process.kill()
          void world.node().then(start)
          await node.process.gate()
        }
        node.channel<string>(wish).subscribe(kill, world.group)
        const work = () => clock.sleep(200, world.signal)
        otherOf(node).subscribe(work, { ...world.group, concurrency: 2 })
      }
      start(await world.node())
      const depth = await workedOff(world, sender, 1)
      const other = { name: `${world.name}.other`, pattern: world.pattern }
      await eventually(world, async () => {
        const [found] = await world.until(sender.bus.admin.depths([other]))
        assert.deepEqual([found?.dead, found?.out, found?.inFlight], [0, 3, 0])
      })
      assert.deepEqual([killed, depth.dead], [3, 1])
    },
    refusal: async () => {},
  },
  {
    name: 'crash: what a batch only gathers is not charged',
    needs: counted,
    async run(world) {
      const node = await world.node()
      const killed = await world.node()
      const channel = killed.channel<number>({ leaseMs: shortLeaseMs })
      let calls = 0
      channel.subscribe(
        () => {
          calls++
        },
        { ...world.group, batch: { size: 3, waitMsMax: 60_000 } },
      )
      await world.until(channel.publishMany([0, 1].map((data) => ({ data }))))
      await eventually(world, async () => {
        assert.equal((await depthOf(world, node)).inFlight, 2)
      })
      killed.process.kill()
      const counts: number[] = []
      node.channel<number>().subscribe((_, { crashes }) => {
        counts.push(Number(crashes))
      }, world.group)
      await workedOff(world, node, 2)
      assert.deepEqual([calls, counts], [0, [0, 0]])
    },
    refusal: async () => {},
  },
  {
    name: 'crash: long deliveries() keep their messages, and give back what is not settled',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ leaseMs: keptLeaseMs })
      for (let n = 0; n < 4; n++) await world.until(channel.publish(n))
      const deliveries = channel.deliveries({ ...world.group, holdMax: 10 })
      const lost = heard(deliveries, 'lost')
      const iterator = deliveries[Symbol.asyncIterator]()
      const held = []
      for (let n = 0; n < 4; n++) {
        const { value } = await world.until(iterator.next())
        assert.ok(value)
        held.push(value)
      }
      for (let passed = 0; passed < 2 * keptLeaseMs; passed += 100) await world.pass(100)
      const [first, second] = held
      assert.ok(first && second)
      assert.equal(await world.until(first.settle({ kind: 'ack' })), done(world))
      assert.equal(await world.until(second.settle({ kind: 'release' })), done(world))
      assert.deepEqual(lost, [])
      await world.until(deliveries.close())
      const depth = await depthOf(world, node)
      assert.deepEqual([depth.waiting, depth.inFlight, depth.out], [3, 0, 1])
      const counts: number[][] = []
      channel.subscribe((_, { failures, crashes }) => {
        counts.push([failures, Number(crashes)])
      }, world.group)
      await workedOff(world, node, 4)
      assert.deepEqual(counts, Array(3).fill([0, 0]))
    },
  },
  {
    name: 'crash: open deliveries are charged for what has begun',
    needs: counted,
    async run(world) {
      const node = await world.node()
      const killed = await world.node()
      const channel = killed.channel<number>({ leaseMs: keptLeaseMs })
      const receipts = await world.until(
        channel.publishMany([0, 1, 2].map((data) => ({ data, options: { id: `m${data}` } }))),
      )
      assert.equal(receipts.length, 3)
      const deliveries = channel.deliveries({ ...world.group, holdMax: 3 })
      const iterator = deliveries[Symbol.asyncIterator]()
      const first = await world.until(iterator.next())
      assert.ok(first.value)
      await world.until(deliveries.begin(first.value))
      killed.process.kill()
      const crashes = new Map<string, unknown>()
      node.channel<number>().subscribe((_, delivery) => {
        crashes.set(delivery.message.id, delivery.crashes)
      }, world.group)
      await eventually(world, () => assert.equal(crashes.size, 3))
      assert.deepEqual([...crashes].sort(), [
        ['m0', 1],
        ['m1', 0],
        ['m2', 0],
      ])
    },
    refusal: async () => {},
  },
  {
    name: 'crash: a lost connection charges nobody, and a handler keeps what it has',
    needs: (claimed) => claimed.fencing === 'token',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ leaseMs: 20_000 })
      const counts: number[][] = []
      const begun = Promise.withResolvers<void>()
      const end = Promise.withResolvers<void>()
      const worker = channel.subscribe(
        async (data, { failures, crashes }) => {
          counts.push([data, failures, Number(crashes)])
          if (data > 0) return
          begun.resolve()
          await end.promise
        },
        { ...world.group, concurrency: 3 },
      )
      const lost = heard(worker, 'lost')
      const errors = heard(worker, 'error')
      for (let n = 0; n < 3; n++) await world.until(channel.publish(n))
      await world.until(begun.promise)
      for (let n = 0; n < 3; n++) {
        node.driver.drop()
        await world.pass(50)
      }
      await eventually(world, () => assert.ok(worker.isReady))
      end.resolve()
      const depth = await workedOff(world, node, 3)
      assert.equal(depth.out, 3)
      assert.deepEqual(counts.sort(), [
        [0, 0, 0],
        [1, 0, 0],
        [2, 0, 0],
      ])
      assert.deepEqual(lost, [])
      assert.deepEqual(new Set(codesOf(errors)), new Set(['CONNECTION_LOST']))
    },
    refusal: async () => {},
  },
]
