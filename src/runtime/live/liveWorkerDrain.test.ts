import { expect, test } from 'vitest'
import type { Driver, Live } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
import type { SubscriptionEvents } from '../api.ts'
import { createBus } from '../bus.ts'
import { untilAborted } from '../untilAborted.ts'

test('a drain that cannot tell all that waits unread in time says so', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const answered = Promise.withResolvers<void>()
  let isSilent = false
  const driver: Driver = {
    ...store,
    async open(...args) {
      const session = await store.open(...args)
      const live = session.live as Required<Live>
      const subscribe = live.subscribe.bind(live)
      live.subscribe = async (...all) => {
        const source = await subscribe(...all)
        const receive = source.receive.bind(source)
        source.receive = async (room, signal) => {
          if (isSilent) await untilAborted(answered.promise, signal).catch(() => undefined)
          return receive(room, signal)
        }
        return source
      }
      return session
    },
  }
  const bus = await createBus(driver, { clock })
  const rooms = bus.narrowcast<number>('rooms')
  const worker = rooms.subscribe(() => new Promise(() => {}), { abortMs: 10 })
  const errors: [string | null, string][] = []
  worker.on('error', ({ id, error }) => errors.push([id, `${error.code} ${error.message}`]))
  await clock.runUntil(worker.ready())
  for (let n = 0; n < 3; n++) await clock.runUntil(rooms.publish(n))
  isSilent = true
  expect(await clock.runUntil(worker.drain({ timeoutMs: 100 }))).toMatchObject({ abandoned: 1 })
  const text = /^TIMEOUT the drain of "rooms" is over, and what waits unread is lost, uncounted$/
  expect(errors).toEqual([[null, expect.stringMatching(text)]])
  await clock.runUntil(bus.close())
})

test('one that is drained while it is cut off says that it may have missed some', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  let cut = () => {}
  let isThere = true
  const driver: Driver = {
    ...store,
    async open(events, signal) {
      if (!isThere) throw new NarrowcastError('CONNECT_FAILED', 'nobody is there')
      const session = await store.open(events, signal)
      cut = () => events.closed(new NarrowcastError('CONNECTION_LOST', 'the line was cut'))
      return session
    },
  }
  const bus = await createBus(driver, { clock })
  const rooms = bus.broadcast<number>('rooms')
  const worker = rooms.subscribe(() => {})
  worker.on('error', () => {})
  const gaps: SubscriptionEvents['gap'][] = []
  worker.on('gap', (gap) => gaps.push(gap))
  await clock.runUntil(worker.ready())
  isThere = false
  cut()
  await clock.settle()
  expect(gaps).toEqual([])
  await clock.runUntil(worker.drain())
  expect(gaps).toEqual([{ missed: 'unknown', why: 'reconnect' }])
  await clock.runUntil(bus.close())
})

test('one that never was there has missed nothing', async () => {
  const clock = virtualClock()
  const bus = await createBus(memory({ clock }), { clock })
  const worker = bus.broadcast('rooms').subscribe(() => {})
  const gaps: unknown[] = []
  worker.on('gap', (gap) => gaps.push(gap))
  await clock.runUntil(worker.drain())
  expect(gaps).toEqual([])
  await clock.runUntil(bus.close())
})
