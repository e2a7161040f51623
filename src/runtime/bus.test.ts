import { expect, test } from 'vitest'
import * as z from 'zod'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

test('a channel says what is stored with it once; who asks for nothing takes what is there', async () => {
  const driver = memory()
  await using first = await createBus(driver)
  await first.queue('orders', { dedupe: { on: 'publish', windowMs: 5_000 } }).opened()
  await using second = await createBus(driver)
  await expect(second.queue('orders').opened()).resolves.toBeDefined()
  await expect(second.stream('orders').opened()).rejects.toMatchObject({ code: 'CONFLICT' })
  await using third = await createBus(driver)
  const other = third.queue('orders', { dedupe: { on: 'publish', windowMs: 9_000 } })
  await expect(other.opened()).rejects.toThrow(/wanted 9000.*found 5000/)
})

test('what the schema refuses is told to the publisher and stored nowhere', async () => {
  await using bus = await createBus(memory())
  const orders = bus.queue('orders', { schema: z.object({ id: z.int() }) })
  await expect(orders.publish({ id: 1.5 })).rejects.toMatchObject({
    code: 'INVALID_MESSAGE',
    message: expect.stringContaining('id: '),
    definite: true,
  })
  const [good, bad] = await orders.publishMany([
    { data: { id: 1 } },
    { data: { id: 'x' as unknown as number } },
  ])
  expect(good).toMatchObject({ duplicate: false })
  expect(bad).toMatchObject({ code: 'INVALID_MESSAGE' })
  expect(await bus.admin.depths([{ name: 'orders', pattern: 'queue' }])).toMatchObject([{ in: 1 }])
})

test('a schema that throws is told as such, and certainly nothing was stored', async () => {
  await using bus = await createBus(memory())
  const validate = () => {
    throw new TypeError('blew')
  }
  const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
  const orders = bus.queue('orders', { schema })
  const told = { code: 'INVALID_MESSAGE', definite: true }
  await expect(orders.publish(1)).rejects.toMatchObject(told)
  expect(await orders.publishMany([{ data: 1 }])).toMatchObject([told])
})

test('a place that is not there is refused for good', async () => {
  await using bus = await createBus(memory())
  const worker = bus.stream('events').subscribe(() => undefined, {
    group: 'mail',
    from: { id: 'nowhere' },
  })
  worker.on('error', () => undefined)
  await expect(worker.ready()).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('options of the wrong pattern, and unknown ones, are refused at the call', async () => {
  await using bus = await createBus(memory())
  const queue = bus.queue('orders')
  const stream = bus.stream('events')
  const noop = () => undefined
  expect(() => queue.subscribe(noop, { group: 'mail' })).toThrow('option group')
  expect(() => queue.deliveries({ from: 'end' })).toThrow('option from')
  expect(() => stream.subscribe(noop)).toThrow('option group is missing')
  expect(() => stream.subscribe(noop, { group: 'a b' })).toThrow('group name "a b"')
  expect(() => queue.subscribe(noop, { concurency: 2 } as object)).toThrow(
    'unknown option concurency; known are',
  )
  await expect(queue.publish('x', { delayMs: -1 })).rejects.toThrow('option delayMs')
  await expect(queue.publish('x', { headers: { a: 1 as unknown as string } })).rejects.toThrow(
    'header a is not a string',
  )
})

test.each([
  [{ id: '' }, 'id has 0 characters; expected 1 to 255'],
  [{ id: 'x'.repeat(256) }, 'id has 256 characters'],
  [{ id: '\ud800' }, 'id holds half a surrogate pair'],
  [{ headers: 'a' as unknown as Record<string, string> }, 'headers is not an object of texts'],
  [{ key: 7 as unknown as string }, 'key is not a string, got number'],
  [{ headers: { a: '\udfff' } }, 'header a holds half a surrogate pair'],
  [{ timeMs: Number.MAX_SAFE_INTEGER }, 'option timeMs: expected a whole number from 0 to'],
  [{ dalayMs: 5 } as object, 'publish: unknown option dalayMs'],
])('publish refuses %j', async (options, why) => {
  await using bus = await createBus(memory())
  await expect(bus.queue('orders').publish('x', options)).rejects.toThrow(why)
})

test('a closed bus refuses everything, by name', async () => {
  const bus = await createBus(memory())
  const orders = bus.queue('orders')
  await bus.close()
  await bus.close()
  expect(() => bus.queue('more')).toThrow('the bus was closed')
  expect(() => orders.subscribe(() => undefined)).toThrow('channel "orders" was closed')
  await expect(orders.publish('x')).rejects.toMatchObject({ code: 'CLOSED' })
})

test('closing waits for what was published without waiting', async () => {
  const driver = memory()
  const bus = await createBus(driver)
  const orders = bus.queue<number>('orders')
  const receipts = Array.from({ length: 900 }, (_, n) => orders.publish(n))
  await bus.close()
  expect((await Promise.all(receipts)).length).toBe(900)
  await using again = await createBus(driver)
  expect(await again.admin.depths([{ name: 'orders', pattern: 'queue' }])).toMatchObject([
    { waiting: 900 },
  ])
})

test('what is aborted before anything was asked says so, with the reason', async () => {
  await using bus = await createBus(memory())
  const orders = bus.queue<number>('orders')
  const reason = new Error('enough')
  const signal = AbortSignal.abort(reason)
  const told = {
    code: 'ABORTED',
    definite: true,
    cause: reason,
    message: expect.stringContaining('enough'),
  }
  await expect(orders.publish(1, { signal })).rejects.toMatchObject(told)
  await expect(orders.writable(signal)).rejects.toMatchObject(told)
  await expect(orders.deliveries().ready(signal)).rejects.toMatchObject(told)
  const ref = { name: 'orders', pattern: 'queue' } as const
  await expect(bus.admin.depths([ref], signal)).rejects.toMatchObject(told)
  expect(await bus.admin.depths([ref])).toMatchObject([{ in: 0 }])
})

test('a second verdict on a delivery is the first one again, or refused', async () => {
  await using bus = await createBus(memory())
  const orders = bus.queue<number>('orders')
  await orders.publish(1)
  await using deliveries = orders.deliveries()
  const delivery = (await deliveries[Symbol.asyncIterator]().next()).value
  if (!delivery) throw new Error('nothing came')
  const buried = { kind: 'dead', reason: 'late thought' } as const
  const first = delivery.settle({ kind: 'ack' })
  const refused = {
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(/was settled with ack before; dead changed nothing/),
  }
  await expect(delivery.settle(buried)).rejects.toMatchObject(refused)
  expect(await first).toBe('settled')
  expect(await delivery.settle({ kind: 'ack' })).toBe('settled')
  await expect(delivery.settle(buried)).rejects.toMatchObject(refused)
  const [depth] = await bus.admin.depths([{ name: 'orders', pattern: 'queue' }])
  expect(depth).toMatchObject({ dead: 0, stored: 0 })
})

test('any verdict on a delivery that is no longer ours is late', async () => {
  const clock = virtualClock()
  await using bus = await createBus(memory({ clock }), { clock })
  const orders = bus.queue<number>('orders', { leaseMs: 1_000 })
  await orders.publish(1)
  const deliveries = orders.deliveries()
  const next = deliveries[Symbol.asyncIterator]().next()
  await clock.settle(10)
  const delivery = (await next).value
  await bus.admin.remove({ name: 'orders', pattern: 'queue' })
  expect(await delivery?.settle({ kind: 'ack' })).toBe('late')
  expect(await delivery?.settle({ kind: 'dead', reason: 'late thought' })).toBe('late')
})
