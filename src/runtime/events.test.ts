import { expect, onTestFinished, test, vi } from 'vitest'
import { NarrowcastError } from '../core/errors.ts'
import { Events } from './events.ts'

const failed = (text: string) => ({ id: 'm', error: new NarrowcastError('HANDLER_FAILED', text) })

function warnings(): unknown[][] {
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
  onTestFinished(() => spy.mockRestore())
  return spy.mock.calls
}

test('an error that nobody listens for is a warning of the process, once for each code', () => {
  const warned = warnings()
  const events = new Events()
  events.emit('error', failed('first'))
  events.emit('error', failed('second'))
  events.emit('error', { id: null, error: new NarrowcastError('STUCK', 'third') })
  expect(warned).toEqual([
    [
      'first (listen to "error" to hear of each)',
      { type: 'NarrowcastWarning', code: 'HANDLER_FAILED' },
    ],
    ['third (listen to "error" to hear of each)', { type: 'NarrowcastWarning', code: 'STUCK' }],
  ])
})

test('who listens is told of each, and no warning is printed', () => {
  const warned = warnings()
  const events = new Events()
  const told: string[] = []
  const off = events.on('error', ({ error }) => told.push(error.message))
  events.emit('error', failed('first'))
  events.emit('error', failed('second'))
  expect([told, warned]).toEqual([['first', 'second'], []])
  off()
  events.emit('error', failed('third'))
  expect(warned).toHaveLength(1)
})

test.each(['throws', 'rejects'])(
  'a listener that %s is an error, never an unhandled one',
  async (how) => {
    const warned = warnings()
    const events = new Events()
    const fail: () => void = () => {
      if (how === 'throws') throw Object.create(null)
      return Promise.reject(new Error('mine'))
    }
    const told: string[] = []
    events.on('ready', fail)
    events.on('error', ({ error }) => told.push(error.message))
    events.on('error', fail)
    events.emit('ready', { isReady: true, why: 'open' })
    await new Promise(setImmediate)
    const text = how === 'throws' ? '[Object: null prototype] {}' : 'mine'
    expect(told).toEqual([`a listener of "ready" threw: ${text}`])
    expect(warned).toEqual([[`a listener of "error" threw: ${text}`, 'NarrowcastWarning']])
  },
)

test('an event that nobody ever tells, and a listener that is none, are refused', () => {
  const events = new Events()
  expect(() => events.on('setled' as never, () => undefined)).toThrow(
    'option event: expected one of ready, settled',
  )
  expect(() => events.on('settled', 'x' as never)).toThrow('option listener: expected a function')
})
