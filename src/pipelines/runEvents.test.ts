import { expect, test } from 'vitest'
import { NarrowcastError } from '../core/errors.ts'
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

test('errors of the beginning wait for who listens; how many went for lack of room is told', async () => {
  const events = new RunEvents()
  events.hold()
  for (let n = 0; n < 1_003; n++) {
    events.emit('error', { error: new NarrowcastError('UNAVAILABLE', `no ${n}`) })
  }
  events.begin()
  const told: string[] = []
  events.on('error', ({ error }) => told.push(error.message))
  await new Promise(setImmediate)
  expect(told).toHaveLength(1_001)
  expect(told.slice(0, 2)).toEqual([expect.stringMatching(/^3 errors came before/), 'no 3'])
})
