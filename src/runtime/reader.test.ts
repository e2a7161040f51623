import { expect, test } from 'vitest'
import type { Driver, Session } from '../core/driver.ts'
import { memory } from '../drivers/memory/index.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { createBus } from './bus.ts'

const never = new AbortController().signal

test('what is lost while its delivery is on its way is lost when it comes', async () => {
  const clock = virtualClock()
  const store = memory({ clock })
  const far = late(store, () => clock.sleep(500, never))
  const bus = await createBus(far, { clock, seed: 1 })
  const orders = bus.queue<string>('orders', { leaseMs: 1_000 })
  const ran: string[] = []
  const lost: string[] = []
  const worker = orders.subscribe((data) => void ran.push(data), { concurrency: 2 })
  worker.on('lost', ({ deliveries, why }) => {
    for (const { id } of deliveries) lost.push(`${id} ${why}`)
  })
  await clock.runUntil(worker.ready())
  await clock.runUntil(orders.publish('kept', { id: 'kept' }))
  await clock.runUntil(orders.publish('removed', { id: 'removed' }))
  await clock.advance(600)
  const { admin } = await store.open({ closed: () => {} }, never)
  await admin.removeMessage?.({ name: 'orders', pattern: 'queue' }, 'removed', never)
  await clock.advance(600)
  await clock.runUntil(bus.close())
  expect(ran).toEqual(['kept'])
  expect(lost).toEqual(['removed cancelled'])
})

/** What a source hands over takes its time. */
function late(driver: Driver, travel: () => Promise<void>): Driver {
  return {
    ...driver,
    async open(...args) {
      const session = await driver.open(...args)
      const open = session.source.bind(session)
      const source: Session['source'] = async (...of) => {
        const near = await open(...of)
        const receive = near.receive.bind(near)
        near.receive = async (...asked) => {
          const deliveries = await receive(...asked)
          if (deliveries.length > 0) await travel()
          return deliveries
        }
        return near
      }
      return Object.assign(session, { source })
    },
  }
}
