import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Life } from './life.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

test('it is silent when nothing was heard for longer than a session', () => {
  const life = new Life(1_000, () => {})
  vi.advanceTimersByTime(1_000)
  expect(life.isSilent).toBe(false)
  vi.advanceTimersByTime(1)
  expect([life.isSilent, life.silentMs]).toEqual([true, 1_001])
})

test('an answer counts from when it was asked for, and never takes back a later one', () => {
  const life = new Life(1_000, () => {})
  const askedMs = performance.now()
  vi.advanceTimersByTime(800)
  life.seen(performance.now())
  life.seen(askedMs)
  expect(life.silentMs).toBe(0)
})

test('it is back once, when it is heard of again, and not by what lay unread meanwhile', () => {
  const back = vi.fn()
  const life = new Life(1_000, back)
  const askedMs = performance.now()
  vi.advanceTimersByTime(5_000)
  life.seen(askedMs)
  expect([back.mock.calls.length, life.isSilent]).toEqual([0, true])
  life.seen(performance.now())
  life.seen(performance.now())
  expect([back.mock.calls.length, life.isSilent]).toEqual([1, false])
})
