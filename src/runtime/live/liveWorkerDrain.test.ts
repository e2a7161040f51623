import { expect, test } from 'vitest'
import type { Driver, Live } from '../../core/driver.ts'
import { memory } from '../../drivers/memory/index.ts'
import { virtualClock } from '../../testing/virtualClock.ts'
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
