import { expect, test } from 'vitest'
import { onSource } from '../../test/workerScene.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

const never = new Promise<never>(() => {})

test('a settlement that gets no answer holds up no drain beyond its deadline', async () => {
  const clock = virtualClock()
  const store = onSource(memory({ clock }), (source) => {
    source.settle = () => never
  })
  const bus = await createBus(store, { clock, seed: 1 })
  const orders = bus.queue<number>('orders')
  await orders.publish(1)
  const worker = orders.subscribe(() => undefined)
  await clock.settle(10)
  const drained = await clock.runUntil(worker.drain({ timeoutMs: 1_000 }), 3_000)
  expect(drained).toEqual({ settled: 0, released: 0, abandoned: 1 })
  await clock.runUntil(bus.close())
})

test('a publisher that does not open holds up no close beyond its deadline', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const frozen: typeof store = {
    ...store,
    async open(on, signal) {
      const session = await store.open(on, signal)
      session.publisher = () => never
      return session
    },
  }
  const bus = await createBus(frozen, { clock, seed: 1 })
  const publishing = bus.queue<number>('orders').publish(1)
  const told = expect(publishing).rejects.toMatchObject({ code: 'CLOSED' })
  await clock.settle(10)
  await clock.runUntil(bus.close({ timeoutMs: 1_000 }), 3_000)
  await told
})
