import { expect, test } from 'vitest'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

/** A channel whose schema answers a text when it is told to. */
async function open() {
  const clock = virtualClock()
  const bus = await createBus(memory({ clock }), { clock, seed: 1 })
  const answer = Promise.withResolvers<void>()
  const validate = async (value: unknown) => {
    await answer.promise
    return { value: value as string }
  }
  const orders = bus.queue<string>('orders', {
    publish: { timeoutMs: 1_000 },
    schema: { '~standard': { version: 1, vendor: 'test', validate } },
  })
  return { clock, bus, orders, answer: () => answer.resolve() }
}

test('a schema that never answers ends its publish in time, and nothing was stored', async () => {
  const { clock, bus, orders } = await open()
  const told = { code: 'TIMEOUT', definite: true, message: expect.stringContaining('the schema') }
  const one = expect(orders.publish('a')).rejects.toMatchObject(told)
  const many = orders.publishMany([{ data: 'b' }, { data: 'c' }])
  await clock.advance(1_001)
  await one
  expect(await many).toMatchObject([told, told])
  expect(await bus.admin.depths([{ name: 'orders', pattern: 'queue' }])).toEqual([null])
  await clock.runUntil(bus.close())
})

test('the caller may give up meanwhile', async () => {
  const { clock, bus, orders } = await open()
  const stop = new AbortController()
  const cause = new Error('enough')
  const one = orders.publish('a', { signal: stop.signal })
  stop.abort(cause)
  await expect(one).rejects.toMatchObject({ code: 'ABORTED', definite: true, cause })
  await clock.runUntil(bus.close())
})

test('closing waits for the schema of what was published before, to its deadline', async () => {
  const first = await open()
  const published = first.orders.publish('a')
  const closed = first.bus.close()
  await first.clock.settle(10)
  first.answer()
  expect(await published).toMatchObject({ duplicate: false })
  await first.clock.runUntil(closed)

  const second = await open()
  const refused = expect(second.orders.publish('a')).rejects.toMatchObject({
    code: 'CLOSED',
    definite: true,
  })
  await second.clock.runUntil(second.bus.close({ timeoutMs: 100 }))
  await refused
})
