import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { memory } from '../drivers/memory/index.ts'
import type { Bus } from './api.ts'
import { createBus } from './bus.ts'
import type { Health } from './health.ts'
import { httpProbe } from './httpProbe.ts'

/** What two probes of a real server are answered. */
async function probed(bus: Bus, path: string, method = 'GET') {
  const probe = httpProbe(bus)
  const server = createServer((request, response) => {
    if (!probe(request, response)) response.writeHead(404).end('mine')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method })
    return { status: response.status, text: await response.text() }
  } finally {
    server.close()
  }
}

test('a bus whose subscriptions are confirmed is ready and alive', async () => {
  await using bus = await createBus(memory())
  const worker = bus.queue('orders').subscribe(() => undefined, { name: 'w' })
  await worker.ready()
  const { status, text } = await probed(bus, '/readyz?verbose')
  expect(status).toBe(200)
  expect(JSON.parse(text)).toEqual({
    v: 1,
    type: 'health',
    isReady: true,
    isAlive: true,
    trouble: null,
    subscriptions: [
      {
        channel: 'orders',
        pattern: 'queue',
        group: null,
        worker: worker.worker.id,
        isReady: true,
        isAlive: true,
        why: 'the broker has confirmed the subscription',
      },
    ],
    refusals: [],
  })
  expect((await probed(bus, '/livez')).status).toBe(200)
  expect(await probed(bus, '/livez', 'HEAD')).toEqual({ status: 200, text: '' })
})

test('a subscription that is not confirmed is not ready, and yet alive', async () => {
  await using bus = await createBus(memory())
  bus.stream('events').subscribe(() => undefined, { group: 'mail' })
  const { isReady, isAlive, subscriptions } = bus.health()
  expect([isReady, isAlive]).toEqual([false, true])
  expect(subscriptions[0]).toMatchObject({
    channel: 'events',
    group: 'mail',
    why: 'the subscription is being opened',
  })
})

test('where every slot is lost to a handler that does not end, only a new process helps', async () => {
  await using bus = await createBus(memory())
  const handler = Promise.withResolvers<void>()
  const worker = bus.queue('orders').subscribe(() => handler.promise, { runMsMax: 1, abortMs: 0 })
  const stuck = new Promise((resolve) => worker.on('stuck', resolve))
  worker.on('error', () => undefined)
  await bus.queue('orders').publish('x')
  await stuck
  const { status, text } = await probed(bus, '/livez')
  expect(status).toBe(503)
  expect((JSON.parse(text) as Health).subscriptions[0]?.why).toMatch('lost to a stuck handler')
  handler.resolve()
})

test('a closed bus is neither', async () => {
  const bus = await createBus(memory())
  await bus.close()
  expect(bus.health()).toMatchObject({ isReady: false, isAlive: false })
})

test('what is not a probe is left to the caller', async () => {
  await using bus = await createBus(memory())
  expect(await probed(bus, '/orders')).toEqual({ status: 404, text: 'mine' })
  expect(await probed(bus, '/readyz', 'POST')).toEqual({ status: 404, text: 'mine' })
})

test('a subscription that is refused for good says why', async () => {
  const driver = memory()
  await using bus = await createBus(driver)
  await bus.queue('orders').opened()
  await using other = await createBus(driver)
  const worker = other.stream('orders').subscribe(() => undefined, { group: 'mail' })
  worker.on('error', () => undefined)
  await expect(worker.ready()).rejects.toMatchObject({ code: 'CONFLICT' })
  expect(other.health().subscriptions[0]?.why).toContain('exists with')
})
