import assert from 'node:assert/strict'
import type { Case } from './case.ts'
import {
  codesOf,
  deadOf,
  depthOf,
  eventually,
  heard,
  shortLeaseMs,
  soon,
  workedOff,
} from './runtimeSteps.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

const dedupe = { on: 'consume', windowMs: 60_000 } as const
const offered = (claimed: RuntimeWorld['claimed']) => claimed.dedupe.consume === 'here'

async function refusal(world: RuntimeWorld): Promise<void> {
  const node = await world.node()
  await assert.rejects(world.until(node.channel({ dedupe }).opened()), { code: 'UNSUPPORTED' })
}

export const runtimeDedupeCases: readonly Case<RuntimeWorld>[] = [
  {
    name: 'dedupe: twins run once, whether they come one after the other or at once',
    needs: offered,
    refusal,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ dedupe })
      const twins = [0, 1, 2, 0, 1, 2].map((data) => ({ data, options: { id: `m${data}` } }))
      await world.until(channel.publishMany(twins))
      const runs: number[] = []
      channel.subscribe(
        (data) => {
          runs.push(data)
        },
        { ...world.group, concurrency: 10 },
      )
      await workedOff(world, node, 6)
      await world.until(channel.publish(0, { id: 'm0' }))
      const depth = await workedOff(world, node, 7)
      assert.deepEqual(runs.sort(), [0, 1, 2])
      assert.deepEqual([depth.out, depth.dead], [7, 0])
    },
  },
  {
    name: 'dedupe: busy is released, and neither run beside its twin nor acked before it',
    needs: offered,
    refusal,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ dedupe })
      const end = Promise.withResolvers<void>()
      let runs = 0
      const handler = () => {
        runs++
        return end.promise
      }
      for (const one of [node, await world.node()]) {
        const worker = one.channel<number>({ dedupe }).subscribe(handler, world.group)
        await world.until(worker.ready())
      }
      await world.until(channel.publish(1, { id: 'm' }))
      await eventually(world, () => assert.equal(runs, 1))
      await world.until(channel.publish(1, { id: 'm' }))
      await world.pass(200)
      const { out, waiting, inFlight, scheduled } = await depthOf(world, node)
      assert.equal(out, 0)
      assert.equal(Number(waiting) + Number(inFlight) + Number(scheduled), 2)
      end.resolve()
      const depth = await workedOff(world, node, 2)
      assert.deepEqual([runs, depth.out, depth.dead], [1, 2, 0])
    },
  },
  {
    name: 'dedupe: a failure and a death forget the mark, so that the next one runs',
    needs: (claimed) => offered(claimed) && claimed.deadLetters,
    refusal,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ dedupe, attempts: 2, backoff: soon })
      let runs = 0
      const worker = channel.subscribe(() => {
        runs++
        if (runs <= 2) throw new Error('it broke')
      }, world.group)
      const errors = heard(worker, 'error')
      await world.until(channel.publish(1, { id: 'm' }))
      assert.equal((await workedOff(world, node, 1)).dead, 1)
      assert.equal(runs, 2)
      assert.deepEqual(codesOf(errors), ['HANDLER_FAILED', 'HANDLER_FAILED'])
      await world.until(channel.publish(1, { id: 'm' }))
      assert.equal((await workedOff(world, node, 2)).out, 1)
      const [entry] = await deadOf(world, node)
      const ref = { name: world.name, pattern: world.pattern }
      await world.until(node.bus.admin.redrive(ref, [entry?.ref ?? ''], null))
      await workedOff(world, node, 2)
      assert.equal(runs, 4, 'a redrive is another one')
    },
  },
  {
    name: 'dedupe: killed between claim and ack, it runs again elsewhere',
    needs: offered,
    refusal,
    async run(world) {
      const node = await world.node()
      const killed = await world.node()
      const options = { dedupe, leaseMs: shortLeaseMs }
      const begun = Promise.withResolvers<void>()
      killed.channel<number>(options).subscribe(async () => {
        begun.resolve()
        killed.process.kill()
        await killed.process.gate()
      }, world.group)
      const channel = node.channel<number>(options)
      await world.until(channel.publish(1, { id: 'm' }))
      await world.until(begun.promise)
      let runs = 0
      channel.subscribe(() => {
        runs++
      }, world.group)
      // What a release has copied is there twice where the original is not acknowledged any more.
      const most = world.claimed.release === 'copied' ? 2 : 1
      await eventually(world, async () => {
        const { waiting, inFlight, scheduled, out, dead } = await depthOf(world, node)
        assert.deepEqual([waiting, inFlight, scheduled, dead], [0, 0, 0, 0])
        assert.ok(Number(out) >= 1 && Number(out) <= most, `${out} were acknowledged`)
      })
      assert.equal(runs, 1)
    },
  },
]
