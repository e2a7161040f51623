import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { Silence } from './silence.ts'

afterEach(() => vi.useRealTimers())

function watched() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const told = vi.fn()
  return { told, silence: new Silence(1_000, told) }
}

async function pass(ms: number) {
  vi.advanceTimersByTime(ms)
  await turn()
}

test('who is asked and says nothing is told of, once', async () => {
  const { told, silence } = watched()
  silence.asked()
  await pass(999)
  expect(told).not.toHaveBeenCalled()
  await pass(1)
  expect(told).toHaveBeenCalledOnce()
  await pass(5_000)
  expect(told).toHaveBeenCalledOnce()
})

test('any answer is a sign of life', async () => {
  const { told, silence } = watched()
  silence.asked()
  silence.asked()
  await pass(900)
  silence.answered()
  await pass(900)
  expect(told).not.toHaveBeenCalled()
  await pass(100)
  expect(told).toHaveBeenCalledOnce()
})

test('a part of an answer is a sign of life', async () => {
  const { told, silence } = watched()
  silence.asked()
  for (let part = 0; part < 5; part++) {
    await pass(900)
    silence.heard()
  }
  expect(told).not.toHaveBeenCalled()
  await pass(1_000)
  expect(told).toHaveBeenCalledOnce()
})

test('who is asked nothing may be silent, and is watched again when asked', async () => {
  const { told, silence } = watched()
  silence.asked()
  silence.answered()
  await pass(10_000)
  expect(told).not.toHaveBeenCalled()
  silence.asked()
  await pass(1_000)
  expect(told).toHaveBeenCalledOnce()
})

test('an answer that lies unread while our event loop stands counts', async () => {
  const { told, silence } = watched()
  silence.asked()
  vi.advanceTimersByTime(1_000) // the timer fires before anything is read
  silence.answered()
  await turn()
  expect(told).not.toHaveBeenCalled()
})

test('closed, it tells nothing', async () => {
  const { told, silence } = watched()
  silence.asked()
  silence.close()
  await pass(5_000)
  expect(told).not.toHaveBeenCalled()
})
