import { expect, test } from 'vitest'
import type { Contract } from '../core/contract.ts'
import { contracts } from '../drivers/memory/contract.ts'
import type { ChannelOptions } from './api.ts'
import { checkWishes, planChannel } from './channelOptions.ts'

test('defaults are filled in', () => {
  const plan = planChannel('orders', 'queue', {}, {})
  expect(plan).toMatchObject({
    attempts: 5,
    deliveriesMax: 10,
    backoff: { delayMsMin: 100, delayMsMax: 30_000 },
    publish: { retry: 'safe', timeoutMs: 30_000 },
    consumeWindowMs: null,
    spec: { leaseMs: 30_000, payloadBytesMax: 1_048_576, dedupeWindowMs: null },
  })
})

test('the call wins over the defaults of URL and project file', () => {
  const plan = planChannel('orders', 'queue', { attempts: 2 }, { attempts: 9, leaseMs: 5_000 })
  expect(plan.attempts).toBe(2)
  expect(plan.spec.leaseMs).toBe(5_000)
})

test('dedupe belongs to one side', () => {
  const on = (on: 'publish' | 'consume') => planChannel('a', 'queue', { dedupe: { on } }, {})
  expect(on('publish')).toMatchObject({ consumeWindowMs: null, spec: { dedupeWindowMs: 120_000 } })
  expect(on('consume')).toMatchObject({ consumeWindowMs: 120_000, spec: { dedupeWindowMs: null } })
})

test('order by key skips unless it is asked to block; who asks for nothing goes by the group', () => {
  const order = (options: ChannelOptions<never>) => planChannel('a', 'queue', options, {}).order
  expect(order({})).toBe(null)
  expect(order({ order: 'none' })).toBe('none')
  expect(order({ order: 'key' })).toBe('skip')
  expect(order({ order: 'key', onFailure: 'skip' })).toBe('skip')
  expect(order({ order: 'key', onFailure: 'block' })).toBe('block')
})

test('order by key is refused where the backend has none', () => {
  const { queue } = contracts
  const check = (options: ChannelOptions<never>, keyOrder: Contract['keyOrder']) =>
    checkWishes(planChannel('orders', 'queue', options, {}), { ...queue, keyOrder }, 'stub')
  const text = `stub: channel "orders" asks for order: 'key', which this backend does not offer`
  expect(() => check({ order: 'key' }, 'no')).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: text }),
  )
  check({ order: 'none' }, 'no')
  check({}, 'no')
  check({ order: 'key' }, 'native')
})

test.each([
  [{ attempts: 0 }, 'option attempts: expected a whole number of at least 1, got 0'],
  [{ attempts: 1.5 }, 'option attempts'],
  [{ deliveriesMax: 1 }, 'option deliveriesMax: expected a whole number of at least 2'],
  [{ leaseMs: 5 }, 'option leaseMs: expected a whole number from 100 to 86400000, got 5'],
  [{ backoff: { delayMsMin: 10, delayMsMax: 5 } }, 'option backoff.delayMsMax'],
  [{ retention: { messages: 5 } }, 'option retention: expected nothing on a queue'],
  [{ codec: 'xml' as 'json' }, 'option codec'],
  [{ publish: { retry: 'never' as 'safe' } }, 'option publish.retry'],
  [{ dedupe: { on: 'read' as 'publish' } }, 'option dedupe.on'],
  [{ order: 'keys' as 'key' }, "option order: expected 'none' or 'key', got \"keys\""],
  [{ order: 'key', onFailure: 'stop' as 'skip' }, "option onFailure: expected 'block' or 'skip'"],
  [
    { onFailure: 'block' },
    'option onFailure: expected nothing without order: \'key\', got "block"',
  ],
  [{ order: 'none', onFailure: 'skip' }, 'option onFailure'],
  [{ atempts: 3 } as object, 'unknown option atempts; known are'],
])('%j is refused at the door, with name, value and range', (options, text) => {
  expect(() => planChannel('orders', 'queue', options, {})).toThrow(text)
})

test.each([
  [{ backoff: { baseMs: 60_000 } }, 'option backoff: unknown option baseMs; known are delayMsMin'],
  [{ dedupe: { on: 'publish', window: 5 } }, 'option dedupe: unknown option window'],
  [{ publish: { timeout: 5 } }, 'option publish: unknown option timeout'],
  [{ retention: { days: 5 } }, 'option retention: unknown option days'],
])('a typing error within %j does not pass for a wish', (options, text) => {
  expect(() => planChannel('orders', 'stream', options as object, {})).toThrow(text)
})
