import { expect, test } from 'vitest'
import type { RelayOptions } from './relayApi.ts'
import { planRelay } from './relayPlan.ts'

test('defaults are filled in', () => {
  expect(planRelay('rooms', {})).toEqual({
    ...{ strategy: 'random', leaseMs: 3_000, hold: null, name: null },
    ...{ onDecision: null, onNoWorker: null },
  })
})

test.each([
  [null, 'relay of "rooms": expected an object, got null'],
  [{ strategi: 'random' }, 'unknown option strategi'],
  [{ strategy: null }, 'option strategy: expected random, roundRobin'],
  [{ leaseMs: 299 }, 'option leaseMs: expected a whole number from 300'],
  [{ hold: 0 }, 'hold: expected an object, got 0'],
  [{ hold: { messages: 5 } }, 'option hold.ms'],
  [{ name: 7 }, 'option name: expected a text, got 7'],
  [{ onDecision: 'x' }, 'option onDecision: expected a function'],
])('%j is refused, naming what is wrong', (options, text) => {
  expect(() => planRelay('rooms', options as RelayOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) }),
  )
})
