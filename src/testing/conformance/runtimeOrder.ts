import assert from 'node:assert/strict'
import type { Contract } from '../../core/contract.ts'
import type { Bus, Channel, ChannelOptions } from '../../runtime/api.ts'
import type { Case } from './case.ts'
import { ordersKeys } from './orderKey.ts'
import { eventually, heard, keptLeaseMs, shortLeaseMs, soon, workedOff } from './runtimeSteps.ts'
import type { Node, RuntimeWorld } from './runtimeWorld.ts'

const byKey: ChannelOptions<string> = { order: 'key', onFailure: 'block', backoff: soon }

async function refusal(world: RuntimeWorld): Promise<void> {
  const node = await world.node()
  const opening = node.channel(byKey).opened()
  await assert.rejects(world.until(opening), { code: 'UNSUPPORTED' })
}

/** `a0` has the key `a`, `-0` none. */
async function publish(
  world: RuntimeWorld,
  channel: Channel<string>,
  data: readonly string[],
): Promise<void> {
  const batch = data.map((one) => ({
    data: one,
    options: { id: one, ...(one[0] === '-' ? {} : { key: one.slice(0, 1) }) },
  }))
  for (const answer of await world.until(channel.publishMany(batch))) {
    assert.ok(!(answer instanceof Error), String(answer))
  }
}

/** Every key in turn, `count` of each. */
const inTurn = (keys: string, count: number) =>
  Array.from({ length: count }, (_, n) => [...keys].map((key) => `${key}${n}`)).flat()

/** Who is at work, and in what order each key was worked off. */
class Watch {
  readonly ended = new Map<string, string[]>()
  readonly #running = new Set<string>()
  most = 0

  begin(data: string): void {
    const key = data.slice(0, 1)
    if (key !== '-') assert.ok(!this.#running.has(key), `${data} begins beside another one`)
    this.#running.add(key === '-' ? data : key)
    this.most = Math.max(this.most, this.#running.size)
  }

  stop(data: string): void {
    this.#running.delete(data[0] === '-' ? data : data.slice(0, 1))
  }

  end(data: string): void {
    this.stop(data)
    const key = data.slice(0, 1)
    this.ended.set(key, [...(this.ended.get(key) ?? []), data])
  }
}

function inOrder({ ended }: Watch, keys: string, count: number): void {
  for (const key of keys) {
    const all = Array.from({ length: count }, (_, n) => `${key}${n}`)
    assert.deepEqual(ended.get(key), all)
  }
}

/** Calls that take a message out of a handler's hands, and free its key while that still runs. */
const takesAway = {
  removeMessage: {
    why: 'cancelled',
    offers: ({ manage, peek }: Contract) => manage === true && peek === 'exact',
    call: ({ name, pattern }: RuntimeWorld, { admin }: Bus) =>
      admin.removeMessage({ name, pattern }, 'a0'),
  },
  seek: {
    why: 'revoked',
    offers: ({ seek }: Contract) => seek,
    call: ({ name, pattern, group }: RuntimeWorld, { admin }: Bus) =>
      admin.seek({ name, pattern }, group.group ?? '', { id: 'a0' }),
  },
} as const

function takenAway(how: keyof typeof takesAway): Case<RuntimeWorld> {
  const { why, offers, call } = takesAway[how]
  return {
    name: `order: by key ${how} of a message in hand is told to its handler, and frees its key`,
    needs: (claimed) => ordersKeys(claimed) && offers(claimed),
    async refusal(world) {
      if (!ordersKeys(world.claimed)) return refusal(world)
      const { bus, channel } = await world.node()
      await world.until(channel(byKey).opened())
      await assert.rejects(world.until<unknown>(call(world, bus)), { code: 'UNSUPPORTED' })
    },
    async run(world) {
      const node = await world.node()
      const channel = node.channel<string>({ ...byKey, leaseMs: keptLeaseMs })
      const began: string[] = []
      const ends = Promise.withResolvers<void>()
      const fired: unknown[] = []
      const worker = channel.subscribe(
        async (data, { signal }) => {
          began.push(data)
          if (data !== 'a0') return
          signal.addEventListener('abort', () => fired.push((signal.reason as Error).message))
          await ends.promise
        },
        { ...world.group, concurrency: 2 },
      )
      const lost = heard(worker, 'lost')
      await publish(world, channel, ['a0', 'a1'])
      await eventually(world, () => assert.deepEqual(began, ['a0']))
      await world.until<unknown>(call(world, node.bus))
      // The one before still runs: that is what its signal is for.
      await eventually(world, () => assert.deepEqual([began, fired.length], [['a0', 'a1'], 1]))
      assert.match(String(fired[0]), new RegExp(`message a0 .* is no longer ours: ${why}`))
      const told = lost.map((one) => [one.why, ...one.deliveries.map(({ id }) => id)])
      assert.deepEqual(told, [[why, 'a0']])
      ends.resolve()
    },
  }
}

export const runtimeOrderCases: readonly Case<RuntimeWorld>[] = [
  {
    name: 'order: by key one at a time over workers, in order also across retries, keys in parallel',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const nodes = [await world.node(), await world.node()]
      const watch = new Watch()
      const faults: unknown[] = []
      for (const node of nodes) {
        const worker = node.channel<string>(byKey).subscribe(
          async (data, { attempt }) => {
            try {
              watch.begin(data)
            } catch (fault) {
              faults.push(fault)
            }
            await node.process.clock.sleep(5, world.signal)
            if (attempt === 1 && Number(data.slice(1)) % 3 === 1) {
              watch.stop(data)
              throw new Error('once more')
            }
            watch.end(data)
          },
          { ...world.group, concurrency: 4 },
        )
        heard(worker, 'error')
      }
      const [sender] = nodes as [Node, Node]
      await publish(world, sender.channel<string>(byKey), inTurn('abc-', 10))
      await workedOff(world, sender, 40)
      assert.deepEqual(faults, [])
      inOrder(watch, 'abc', 10)
      assert.ok(watch.most > 1, 'keys wait for one another')
    },
  },
  {
    name: 'order: by key no batch holds two of one, and deliveries() do not either',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<string>(byKey)
      await publish(world, channel, inTurn('ab', 4))
      const deliveries = channel.deliveries(world.group)
      const reading = deliveries[Symbol.asyncIterator]()
      const first = [await world.until(reading.next()), await world.until(reading.next())]
      const open = first.flatMap(({ value, done }) => (done ? [] : [value]))
      assert.deepEqual(open.map(({ data }) => data).sort(), ['a0', 'b0'])
      const third = reading.next()
      await world.pass(50)
      await world.until(Promise.all(open.map((one) => one.settle({ kind: 'ack' }))))
      const { value } = await world.until(third)
      assert.match(value?.data, /^[ab]1$/)
      await world.until(deliveries.close())
      const batches: string[][] = []
      const batch = { size: 10, waitMsMax: 5 }
      const work = (all: readonly { readonly data: string }[]) => {
        batches.push(all.map(({ data }) => data))
      }
      channel.subscribe(work, { ...world.group, batch })
      await workedOff(world, node, 8)
      const flat = batches.flat()
      for (const key of ['a', 'b']) {
        assert.deepEqual(
          flat.filter((data) => data.startsWith(key)),
          [`${key}1`, `${key}2`, `${key}3`],
        )
        for (const one of batches) {
          assert.ok(one.filter((data) => data.startsWith(key)).length <= 1, `a batch of ${one}`)
        }
      }
    },
  },
  {
    name: 'order: by key the keys of a killed worker wait for its lease, and go on in order',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const [dying, other] = [await world.node(), await world.node()]
      const options = { ...byKey, leaseMs: shortLeaseMs }
      const began: string[] = []
      dying.channel<string>(options).subscribe(
        async (data) => {
          began.push(data)
          await dying.process.clock.sleep(60_000, world.signal)
        },
        { ...world.group, concurrency: 5 },
      )
      const sender = other.channel<string>(options)
      const beforeMs = world.clock.monotonicMs()
      await publish(world, sender, inTurn('ab', 3))
      await eventually(world, () => assert.deepEqual([...began].sort(), ['a0', 'b0']))
      dying.process.kill()
      const watch = new Watch()
      let firstMs = 0
      sender.subscribe(
        (data) => {
          firstMs ||= world.clock.monotonicMs()
          watch.begin(data)
          watch.end(data)
        },
        { ...world.group, concurrency: 5 },
      )
      await workedOff(world, other, 6)
      const waitsMs = world.claimed.redelivery.how === 'on-lease' ? shortLeaseMs - 10 : 0
      assert.ok(firstMs - beforeMs > waitsMs, 'taken over before the lease was over')
      inOrder(watch, 'ab', 3)
    },
  },
  {
    name: 'order: another wish beside a live worker is CONFLICT, no wish goes by what is there',
    needs: ordersKeys,
    refusal,
    async run(world) {
      const [first, second, third] = [await world.node(), await world.node(), await world.node()]
      const worker = first.channel<string>(byKey).subscribe(() => undefined, world.group)
      await world.until(worker.ready())
      const other = second
        .channel<string>({ order: 'none' })
        .subscribe(() => undefined, world.group)
      heard(other, 'error')
      await assert.rejects(world.until(other.ready()), {
        code: 'CONFLICT',
        message: /onFailure: 'block', wanted order: 'none'/,
      })
      const unasked = third.channel<string>().subscribe(() => undefined, world.group)
      await world.until(unasked.ready())
    },
  },
  takenAway('removeMessage'),
  takenAway('seek'),
]
