import { expect, test } from 'vitest'
import { contracts } from '../drivers/memory/contract.ts'
import type { ChannelOptions, PublishOptions } from './api.ts'
import { checkWishes, planChannel } from './channelOptions.ts'
import { encode } from './envelope.ts'

const plain = planChannel('orders', 'queue', { envelope: false }, {})

test('our fields travel unless they are told not to', () => {
  expect(planChannel('orders', 'queue', {}, {}).spec.envelope).toBe(true)
  expect(planChannel('orders', 'queue', { envelope: true }, {}).spec.envelope).toBe(true)
  expect(plain.spec.envelope).toBe(false)
})

test.each<[ChannelOptions<never>, string]>([
  [{ envelope: 'no' as never }, 'option envelope: expected true or false, got "no"'],
  [
    { envelope: false, dedupe: { on: 'publish' } },
    'option dedupe: expected nothing that needs an id, which envelope: false does not send',
  ],
  [{ envelope: false, dedupe: { on: 'consume' } }, 'option dedupe: expected nothing that needs'],
  [
    { envelope: false, order: 'key' },
    'option order: expected nothing that needs a key, which envelope: false does not send, got "key"',
  ],
])('%j is refused at the door', (options, text) => {
  expect(() => planChannel('orders', 'queue', options, {})).toThrow(text)
  if (options.envelope === false) planChannel('orders', 'queue', { ...options, envelope: true }, {})
})

test('a worker is not chosen by a key that does not travel', () => {
  const sticky = { envelope: false, strategy: 'sticky' } as const
  expect(() => planChannel('rooms', 'narrowcast', sticky, {})).toThrow(
    'option strategy: expected nothing that needs a key',
  )
  planChannel('rooms', 'narrowcast', { envelope: false, strategy: 'roundRobin' }, {})
})

test('what the project file says for the channel is refused too', () => {
  const defaults = { dedupe: { on: 'publish' } } as const
  expect(() => planChannel('orders', 'queue', { envelope: false }, defaults)).toThrow(
    'option dedupe: expected nothing that needs an id',
  )
})

test.each<PublishOptions>([
  { id: 'a' },
  { key: 'a' },
  { headers: {} },
  { type: 'a' },
  { source: 'a' },
  { timeMs: 1 },
  { delayMs: 1 },
])('publish with %j is refused, with what to do', (options) => {
  const [name] = Object.keys(options)
  const text = `publish to "orders": option ${name} cannot travel with envelope: false`
  expect(() => encode(plain, 1, options, 0)).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(text),
      hint: expect.stringContaining('Put it into the data'),
    }),
  )
})

test('a signal and what is undefined are no fields of a message', () => {
  const { signal } = new AbortController()
  const nothing = { key: undefined, signal } as unknown as PublishOptions
  expect(encode(plain, { n: 1 }, nothing, 0).message.body).toBe('{"n":1}')
})

test('a backend without it refuses when the channel is opened', () => {
  const text = 'stub: channel "orders" asks for envelope: false, which this backend does not offer'
  expect(() => checkWishes(plain, contracts.queue, 'stub')).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(text) }),
  )
  checkWishes(plain, { ...contracts.queue, plainData: true }, 'stub')
})
