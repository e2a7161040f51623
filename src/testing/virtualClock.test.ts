import { expect, test } from 'vitest'
import { virtualClock } from './virtualClock.ts'

const never = new AbortController().signal

test('sleepers wake in the order of their time, and what they do next settles between', async () => {
  const clock = virtualClock()
  const seen: string[] = []
  const sleeper = async (name: string, ms: number) => {
    await clock.sleep(ms, never)
    seen.push(`${name} ${clock.monotonicMs()}`)
    await clock.sleep(5, never)
    seen.push(`${name} again ${clock.monotonicMs()}`)
  }
  const all = [sleeper('late', 20), sleeper('early', 10), sleeper('early twin', 10)]
  await clock.advance(30)
  await Promise.all(all)
  expect(seen).toEqual([
    'early 10',
    'early twin 10',
    'early again 15',
    'early twin again 15',
    'late 20',
    'late again 25',
  ])
  expect(clock.monotonicMs()).toBe(30)
  expect(clock.sleepers).toBe(0)
})

test('an hour passes, and not a millisecond more wakes the next', async () => {
  const clock = virtualClock(1_000)
  let isAwake = false
  const sleep = clock.sleep(3_600_001, never).then(() => {
    isAwake = true
  })
  await clock.advance(3_600_000)
  expect(isAwake).toBe(false)
  expect(clock.wallMs()).toBe(3_601_000)
  await clock.advance(1)
  await sleep
  expect(isAwake).toBe(true)
})

test('an abort ends a sleep at once and leaves nothing behind', async () => {
  const clock = virtualClock()
  const abort = new AbortController()
  const sleep = clock.sleep(1_000, abort.signal)
  expect(clock.sleepers).toBe(1)
  abort.abort()
  await sleep
  await clock.sleep(1_000, abort.signal)
  expect(clock.sleepers).toBe(0)
  expect(await clock.advanceToNext()).toBe(false)
  expect(clock.monotonicMs()).toBe(0)
})

test('the wall clock jumps on its own', () => {
  const clock = virtualClock(5_000)
  clock.jumpWall(-4_000)
  expect(clock.wallMs()).toBe(1_000)
  expect(clock.monotonicMs()).toBe(0)
})

test('runUntil moves from sleeper to sleeper, and says when nothing can come', async () => {
  const clock = virtualClock()
  const work = async () => {
    for (let n = 0; n < 3; n++) await clock.sleep(1_000, never)
    return 'done'
  }
  expect(await clock.runUntil(work())).toBe('done')
  expect(clock.monotonicMs()).toBe(3_000)
  await expect(clock.runUntil(new Promise(() => {}))).rejects.toThrow('nobody sleeps')
  const endless = (async () => {
    for (;;) await clock.sleep(1_000, never)
  })()
  await expect(clock.runUntil(endless, 5_000)).rejects.toThrow('not settled after 5000 ms')
})
