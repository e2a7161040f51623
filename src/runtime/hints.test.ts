import { expect, test } from 'vitest'
import * as z from 'zod'
import { memory } from '../drivers/memory/index.ts'
import { testWorld } from '../testing/testWorld.ts'
import type { Channel, SubscriptionEvents } from './api.ts'
import { createBus } from './bus.ts'

type Told = SubscriptionEvents['error']

/** The errors of a handler that throws at every try, until it is dead. */
async function toldOf(thrown: Error): Promise<Told[]> {
  await using world = await testWorld()
  const told: Told[] = []
  const orders = world.bus.queue('orders', { attempts: 2 })
  const worker = orders.subscribe(() => {
    throw thrown
  })
  worker.on('error', (what) => told.push(what))
  const dead = new Promise((resolve) => worker.on('dead', resolve))
  await world.until(orders.publish(1))
  await world.until(dead)
  return told
}

test('a failed handler: that it is tried again, and what to do when it is not', async () => {
  const [first, last, ...more] = await toldOf(new Error('no address'))
  expect(first?.error).toMatchObject({ code: 'HANDLER_FAILED', hint: null })
  expect(last?.error).toMatchObject({
    code: 'HANDLER_FAILED',
    hint: expect.stringContaining('narrowcast dead redrive orders'),
  })
  expect(more).toEqual([])
})

test('a handler that does not end: its signal, or a new process', async () => {
  await using world = await testWorld()
  const letGo = Promise.withResolvers<void>()
  const orders = world.bus.queue('orders')
  const worker = orders.subscribe(() => letGo.promise, { runMsMax: 1_000, abortMs: 1_000 })
  const told = new Promise<Told>((resolve) => worker.on('error', resolve))
  await world.until(orders.publish(1))
  const { error } = await world.until(told)
  expect(error).toMatchObject({ code: 'STUCK', hint: expect.stringMatching(/signal.*process/s) })
  letGo.resolve()
})

test('a batch handler that returns too few verdicts: what it may return', async () => {
  await using world = await testWorld()
  const orders = world.bus.queue('orders')
  const worker = orders.subscribe(() => [], { batch: { size: 2, waitMsMax: 0 } })
  const told = new Promise<Told>((resolve) => worker.on('error', resolve))
  await world.until(orders.publish(1))
  const { error } = await world.until(told)
  expect(error).toMatchObject({
    code: 'HANDLER_FAILED',
    hint: expect.stringContaining('undefined'),
  })
})

test('a handler that a drain aborts: how it gets more time', async () => {
  await using world = await testWorld()
  const reason = Promise.withResolvers<unknown>()
  const orders = world.bus.queue('orders')
  const begun = Promise.withResolvers<void>()
  const worker = orders.subscribe((_, { signal }) => {
    begun.resolve()
    signal.addEventListener('abort', () => reason.resolve(signal.reason))
    return reason.promise.then(() => undefined)
  })
  await world.until(orders.publish(1))
  await world.until(begun.promise)
  const drained = worker.drain({ timeoutMs: 1_000 })
  expect(await world.until(reason.promise)).toMatchObject({
    code: 'CLOSED',
    hint: expect.stringContaining('timeoutMs'),
  })
  await world.until(drained)
})

test('a bus that was closed: wherever it is asked for something', async () => {
  const bus = await createBus(memory())
  const orders = bus.queue('orders')
  await bus.close()
  const closed = { code: 'CLOSED', hint: expect.stringContaining('await using') }
  expect(() => bus.queue('more')).toThrow(expect.objectContaining(closed))
  expect(() => orders.subscribe(() => undefined)).toThrow(expect.objectContaining(closed))
  await expect(orders.publish(1)).rejects.toMatchObject(closed)
  await expect(bus.telemetry.watch()).rejects.toMatchObject(closed)
  await expect(bus.admin.find('orders')).rejects.toMatchObject(closed)
})

const cases: [string, (bus: Awaited<ReturnType<typeof createBus>>) => Channel, unknown, string][] =
  [
    ['does not fit', (bus) => bus.queue('m', { schema: z.number() }) as Channel, 'x', 'schema'],
    ['has no JSON form', (bus) => bus.queue('m'), undefined, 'null'],
    ['cannot be JSON', (bus) => bus.queue('m'), 1n, 'bigint'],
    ['is no bytes', (bus) => bus.queue('m', { codec: 'bytes' }) as Channel, 'x', 'TextEncoder'],
    ['meets a broken schema', (bus) => bus.queue('m', { schema: broken }) as Channel, 1, 'schema'],
    ['meets a broken codec', (bus) => bus.queue('m', { codec: odd }) as Channel, 1, 'encode'],
    ['meets a throwing codec', (bus) => bus.queue('m', { codec: bad }) as Channel, 1, 'encode'],
  ]
const broken = z.unknown().refine(() => {
  throw new Error('a defect')
})
const odd = { name: 'odd', encode: () => 1 as unknown as string, decode: () => 1 }
const bad = { ...odd, encode: () => JSON.parse('{') as string }

test.each(cases)('a message that %s: what would be taken', async (_, channel, data, word) => {
  await using bus = await createBus(memory())
  await expect(channel(bus).publish(data)).rejects.toMatchObject({
    code: 'INVALID_MESSAGE',
    hint: expect.stringContaining(word),
  })
})
