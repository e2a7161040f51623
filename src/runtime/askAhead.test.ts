import { expect, test } from 'vitest'
import { channel, onSource } from '../../test/workerScene.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

const twos = { batch: { size: 2, waitMsMax: 0 } }

async function scene() {
  const clock = virtualClock()
  const store = memory({ clock })
  const steps: string[] = []
  const watched = onSource(store, (source) => {
    const receive = source.receive.bind(source)
    source.receive = (room, signal) => {
      steps.push('asks')
      return receive(room, signal)
    }
  })
  const bus = await createBus(watched, { clock, seed: 1 })
  const orders = bus.queue<number>('orders')
  await orders.publishMany([1, 2, 3, 4, 5].map((data) => ({ data })))
  const depth = async () => (await bus.admin.depths([channel]))[0]
  return { clock, bus, orders, steps, depth }
}

test('asks for the next batch before the handler of a full one begins', async () => {
  const { clock, bus, orders, steps } = await scene()
  const all = Promise.withResolvers<void>()
  orders.subscribe(
    async (batch) => {
      steps.push(`has ${batch.map(({ data }) => data)}`)
      if (batch.length === 1) all.resolve()
    },
    { ...twos, concurrency: 3 },
  )
  await clock.runUntil(all.promise)
  expect(steps.slice(0, 6)).toEqual(['asks', 'asks', 'has 1,2', 'asks', 'has 3,4', 'has 5'])
  await clock.runUntil(bus.close())
})

test('with one slot it asks for nothing while that is taken', async () => {
  const { clock, bus, orders, steps, depth } = await scene()
  const end = Promise.withResolvers<void>()
  orders.subscribe(() => end.promise, twos)
  await clock.settle()
  expect(steps).toEqual(['asks'])
  expect(await depth()).toMatchObject({ inFlight: 2, waiting: 3 })
  end.resolve()
  await clock.runUntil(bus.close())
})

test('what came ahead of a drain goes back uncharged', async () => {
  const { clock, bus, orders, depth } = await scene()
  const worker = orders.subscribe(async () => void worker.drain(), { ...twos, concurrency: 2 })
  await clock.settle()
  expect(await clock.runUntil(worker.drain())).toEqual({ settled: 2, released: 2, abandoned: 0 })
  expect(await depth()).toMatchObject({ inFlight: 0, waiting: 3 })
  const again: unknown[] = []
  const all = Promise.withResolvers<void>()
  orders.subscribe((data, { failures, crashes }) => {
    again.push([data, failures, crashes])
    if (data === 5) all.resolve()
  })
  await clock.runUntil(all.promise)
  expect(again).toEqual([3, 4, 5].map((data) => [data, 0, 0]))
  await clock.runUntil(bus.close())
})
