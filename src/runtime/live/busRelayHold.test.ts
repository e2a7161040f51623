import { expect, test } from 'vitest'
import type { Driver, Live, Session } from '../../core/driver.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import { createBus } from '../bus.ts'
import type { RelayOptions } from './relayApi.ts'

/** A relay that leads, over a store of which `looked` hears who is there. */
async function scene(options: RelayOptions, looked: (live: Live) => Live['workers']) {
  const clock = virtualClock()
  const store = memory({ clock })
  const driver: Driver = {
    ...store,
    async open(...args) {
      const session = await store.open(...args)
      const live = session.live as Required<Live>
      const workers = looked(live)
      const around = new Proxy(live, {
        get: (target, name) => {
          const value = Reflect.get(name === 'workers' ? { workers } : target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      return new Proxy(session, {
        get: (target, name) => {
          const value = Reflect.get(target, name)
          if (name === 'live') return around
          return typeof value === 'function' ? value.bind(target) : value
        },
      }) as Session
    },
  }
  const bus = await createBus(driver, { clock, seed: 1 })
  const rooms = bus.narrowcast<number>('rooms', { via: 'relay' })
  const relay = await clock.runUntil(bus.relay('rooms', options))
  await clock.runUntil(relay.ready())
  return {
    ...{ clock, rooms, relay },
    publish: async (count: number) => {
      const batch = Array.from({ length: count }, (_, data) => ({ data }))
      await clock.runUntil(rooms.publishMany(batch))
      await clock.advance(2_000)
    },
    [Symbol.asyncDispose]: () => clock.runUntil(bus.close()),
  }
}

test('a worker that comes between two batches of what is held is given the oldest first', async () => {
  let unseen = 0
  await using world = await scene({ hold: { messages: 1_200, ms: 60_000 } }, (live) => {
    const look = live.workers?.bind(live) as NonNullable<Live['workers']>
    return async (...args) => (unseen-- > 0 ? [] : look(...args))
  })
  await world.publish(1_200)
  expect(world.relay.counts.held).toBe(1_200)
  const seen: number[] = []
  const wide = { concurrency: 2_000, holdMax: 2_000 }
  unseen = 1
  const worker = world.rooms.subscribe((n) => void seen.push(n), wide)
  await world.clock.runUntil(worker.ready())
  await world.clock.advance(2_000)
  expect(seen).toEqual(Array.from({ length: 1_200 }, (_, n) => n))
})

test('while nobody is there it looks once for all that is held, however much that is', async () => {
  let looks = 0
  await using world = await scene({ hold: { messages: 5_000, ms: 600_000 } }, (live) => {
    const look = live.workers?.bind(live) as NonNullable<Live['workers']>
    return (...args) => {
      looks++
      return look(...args)
    }
  })
  await world.publish(5_000)
  looks = 0
  await world.clock.advance(10_000)
  expect(looks).toBeLessThanOrEqual(10 * 4 + 1)
  expect(world.relay.counts).toMatchObject({ taken: 5_000, held: 5_000 })
})

test('what is held when it closes is counted and told, also where a book never answers', async () => {
  let isSilent = false
  const onDecision = () => (isSilent ? new Promise<void>(() => {}) : undefined)
  await using world = await scene({ hold: { messages: 5, ms: 600_000 }, onDecision }, (live) =>
    live.workers?.bind(live),
  )
  await world.publish(3)
  isSilent = true
  const told: unknown[] = []
  world.relay.on('error', ({ error }) => told.push(error.code))
  await world.clock.runUntil(world.relay.close())
  expect(world.relay.counts).toMatchObject({ taken: 3, noWorker: 3, held: 0 })
  expect(told).toEqual(['NO_WORKER', 'NO_WORKER', 'NO_WORKER'])
})
