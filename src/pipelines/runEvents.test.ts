import { expect, test } from 'vitest'
import { RunEvents } from './runEvents.ts'

test.each(['throws', 'rejects'])('a listener that %s is an error of the run', async (how) => {
  const events = new RunEvents()
  const told: string[] = []
  events.on('error', ({ error }) => told.push(error.message))
  const fail: () => void = () => {
    if (how === 'throws') throw new Error('mine')
    return Promise.reject(new Error('mine'))
  }
  events.on('ready', fail)
  events.emit('ready', { isReady: true, why: 'open' })
  await new Promise(setImmediate)
  expect(told).toEqual(['a listener of "ready" threw: mine'])
})
