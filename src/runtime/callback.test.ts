import { expect, test } from 'vitest'
import { callback } from './callback.ts'

const mine = new Error('mine')

test.each([
  [
    'throws',
    () => {
      throw mine
    },
  ],
  ['rejects', () => Promise.reject(mine)],
])('what a callback %s is told once', async (_, call) => {
  const told: unknown[] = []
  callback(call, (cause) => told.push(cause))
  await Promise.resolve()
  expect(told).toEqual([mine])
})

test.each([[() => undefined], [() => null], [() => 7], [async () => 7]])(
  'what ends well is no trouble: %s',
  async (call) => {
    const told: unknown[] = []
    callback(call, (cause) => told.push(cause))
    await Promise.resolve()
    expect(told).toEqual([])
  },
)
