import assert from 'node:assert/strict'
import { NarrowcastError } from '../../core/errors.ts'
import type { Case } from './case.ts'
import { codesOf, depthOf, eventually, heard } from './runtimeSteps.ts'
import type { RuntimeWorld } from './runtimeWorld.ts'

export const runtimePublishCases: readonly Case<RuntimeWorld>[] = [
  {
    name: 'publish: outbox full says BUSY, and writable waits for room',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>({ inFlightMax: 3 })
      await world.until(channel.opened())
      const all = Array.from({ length: 5 }, (_, n) => channel.publish(n))
      const settled = await world.until(Promise.allSettled(all))
      const codes = settled.map((one) => one.status === 'rejected' && one.reason.code)
      assert.deepEqual(codes, [false, false, false, 'BUSY', 'BUSY'])
      const busy = settled[4]
      assert.ok(busy?.status === 'rejected' && busy.reason instanceof NarrowcastError)
      assert.deepEqual([busy.reason.definite, busy.reason.retryable], [true, true])
      await world.until(channel.writable())
      await world.until(channel.publish(5))
      assert.equal((await depthOf(world, node)).in, 4)
      const many = Array.from({ length: 20 }, (_, data) => ({ data }))
      const answers = await world.until(channel.publishMany(many))
      assert.ok(answers.every((one) => !(one instanceof NarrowcastError)))
    },
  },
  {
    name: 'publish: a changed object does not travel',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<{ count: number; bytes?: number[] }>()
      const data = { count: 1 }
      const headers = { a: 'b' }
      const publishing = channel.publish(data, { headers })
      data.count = 2
      headers.a = 'c'
      await world.until(publishing)
      const seen: unknown[] = []
      channel.subscribe((order, { message }) => {
        seen.push(order, { ...message.headers })
      }, world.group)
      await eventually(world, () => assert.deepEqual(seen, [{ count: 1 }, { a: 'b' }]))
    },
  },
  {
    name: 'publish: plain data comes as it went, under an id that is given to it',
    needs: (claimed) => claimed.plainData,
    async run(world) {
      const node = await world.node()
      const channel = node.channel<unknown>({ envelope: false })
      const sent = [{ count: 1, name: 'a b' }, { nested: { list: [1, null] } }]
      for (const data of sent) await world.until(channel.publish(data))
      const seen: unknown[] = []
      const ids = new Set<string>()
      channel.subscribe((data, { message }) => {
        seen.push(data)
        ids.add(message.id)
      }, world.group)
      await eventually(world, () => assert.deepEqual(seen, sent))
      assert.equal(ids.size, 2)
    },
    async refusal(world) {
      const node = await world.node()
      const opening = node.channel<unknown>({ envelope: false }).opened()
      await assert.rejects(world.until(opening), { code: 'UNSUPPORTED' })
    },
  },
  {
    name: 'publish: what was refused is sent again under the same id, and stored once',
    async run(world) {
      const node = await world.node({ refused: 0.5 })
      const channel = node.channel<number>()
      await world.until(channel.opened())
      const ids = Array.from({ length: 10 }, (_, n) => `m${n}`)
      const receipts = await world.until(
        Promise.all(ids.map((id, n) => channel.publish(n, { id }))),
      )
      assert.deepEqual(
        receipts.map(({ id }) => id),
        ids,
      )
      assert.equal((await depthOf(world, await world.node())).in, 10)
    },
  },
  {
    name: 'publish: unknown is told, and sent again only inside the window',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null,
    async run(world) {
      const plain = await world.node({ unknown: 1 })
      const told = plain.channel<number>({ publish: { timeoutMs: 2_000 } }).publish(1, { id: 'a' })
      await assert.rejects(world.until(told), { code: 'TIMEOUT', definite: false })
      const { in: stored } = await depthOf(world, await world.node())
      assert.ok(Number(stored) <= 1, `${stored} are stored`)
    },
    refusal: async () => {},
  },
  {
    name: 'publish: inside the window unknown is sent again, and stored once',
    needs: (claimed) => claimed.dedupe.publishWindowMsMax !== null,
    async run(world) {
      const node = await world.node({ unknown: 0.3 })
      const channel = node.channel<number>({ dedupe: { on: 'publish', windowMs: 60_000 } })
      const ids = Array.from({ length: 6 }, (_, n) => `m${n}`)
      for (const id of ids) await world.until(channel.publish(1, { id }))
      assert.equal((await depthOf(world, await world.node())).in, 6)
      const again = await world.until(channel.publish(1, { id: 'm3' }))
      assert.equal(again.duplicate, true)
    },
    refusal: async () => {},
  },
  {
    name: 'publish: a lost connection is opened again, and nothing acknowledged is missing',
    async run(world) {
      const node = await world.node()
      const channel = node.channel<number>()
      const seen = new Set<string>()
      const worker = channel.subscribe(
        (_, { message }) => {
          seen.add(message.id)
        },
        { ...world.group, concurrency: 5 },
      )
      const errors = heard(worker, 'error')
      const stored = new Set<string>()
      for (let n = 0; n < 6; n++) {
        const receipts = Array.from({ length: 10 }, () => channel.publish(n))
        if (n % 2 === 1) node.driver.drop()
        for (const one of await world.until(Promise.allSettled(receipts))) {
          if (one.status === 'fulfilled') stored.add(one.value.id)
          else assert.equal(one.reason.code, 'CONNECTION_LOST')
        }
      }
      await eventually(world, () => {
        for (const id of stored) assert.ok(seen.has(id), `message ${id} is missing`)
      })
      assert.ok(stored.size >= 30)
      assert.deepEqual(new Set(codesOf(errors)), new Set(['CONNECTION_LOST']))
    },
  },
]
