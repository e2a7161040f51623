import { expect, test } from 'vitest'
import type { Delivery } from '../core/message.ts'
import { virtualClock } from '../testing/virtualClock.ts'
import { Held } from './held.ts'
import { Lease } from './lease.ts'

test('a lease is renewed at a third while something is held, and sleeps for nobody else', async () => {
  const clock = virtualClock()
  const held = new Set<Held>()
  const renewedMs: number[] = []
  const renew = async () => {
    renewedMs.push(clock.monotonicMs())
    return true
  }
  const lease = new Lease({ clock, held: () => held, renew, expired: () => {} }, 300)
  const take = () => {
    const ownedUntilMs = clock.monotonicMs() + 300
    const one = new Held({ ownedUntilMs } as Delivery, clock.monotonicMs())
    held.add(one)
    lease.watch()
    return one
  }
  expect(clock.sleepers).toBe(0)
  await clock.advance(1_000)
  const first = take()
  expect(clock.sleepers).toBe(1)
  await clock.advance(250)
  expect(renewedMs).toEqual([1_100, 1_200])
  held.delete(first)
  await clock.advance(250)
  expect(clock.sleepers).toBe(0)
  take()
  await clock.advance(100)
  expect(renewedMs).toEqual([1_100, 1_200, 1_600])
  lease.close()
  await clock.settle()
  expect(clock.sleepers).toBe(0)
})

test('a renewal whose answer comes when the lease is over renews nothing', async () => {
  const clock = virtualClock()
  const held = new Set<Held>()
  const expiredMs: number[] = []
  const lease = new Lease(
    {
      clock,
      held: () => held,
      renew: () => clock.sleep(200, new AbortController().signal).then(() => true),
      expired: () => {
        expiredMs.push(clock.monotonicMs())
        held.clear()
      },
    },
    300,
  )
  held.add(new Held({ ownedUntilMs: 300 } as Delivery, 0))
  lease.watch()
  await clock.advance(1_000)
  expect(expiredMs).toEqual([300])
})

test('what has ended stays ended, though what is taken later is renewed', async () => {
  const clock = virtualClock()
  const held = new Set<Held>()
  const lease = new Lease(
    { clock, held: () => held, renew: async () => held.size > 1, expired: () => held.clear() },
    300,
  )
  const take = (ownedUntilMs: number) => {
    const one = new Held({ ownedUntilMs } as Delivery, clock.monotonicMs())
    held.add(one)
    lease.watch()
    return one
  }
  const lost = take(300)
  await clock.advance(400)
  expect(held.size).toBe(0)
  take(700)
  take(700)
  await clock.advance(500)
  expect(clock.monotonicMs() - lease.ownedUntilMs(lost)).toBe(600)
  lease.close()
  await clock.settle()
})
