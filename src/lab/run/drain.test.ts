import { expect, test } from 'vitest'
import { virtualClock } from '../../testing/virtualClock.ts'
import { drainLive } from './drain.ts'
import { Pace } from './pace.ts'

/** Drains workers that write something down until that time. */
async function drained(busyMs: number) {
  const clock = virtualClock()
  const pace = new Pace(clock, () => BigInt(Math.round(clock.monotonicMs() * 1e6)))
  const written = async () => Math.min(clock.monotonicMs(), busyMs)
  const isDrained = await clock.runUntil(drainLive(written, pace))
  return { isDrained, afterMs: clock.monotonicMs() }
}

test('a slow worker is waited for while it goes on', async () => {
  expect(await drained(100_000)).toEqual({ isDrained: true, afterMs: 102_000 })
})

test('one that never comes to an end is given up', async () => {
  expect(await drained(Number.POSITIVE_INFINITY)).toEqual({ isDrained: false, afterMs: 300_000 })
})
