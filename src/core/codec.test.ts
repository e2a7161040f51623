import { expect, test } from 'vitest'
import { bytesCodec, jsonCodec } from './codec.ts'

test('json round-trips, and reads bytes as UTF-8', () => {
  const data = { name: 'Ünï', list: [1, null, true] }
  expect(jsonCodec.decode(jsonCodec.encode(data))).toEqual(data)
  expect(jsonCodec.decode(new TextEncoder().encode('{"a":1}'))).toEqual({ a: 1 })
})

test('what JSON cannot write is refused, never dropped', () => {
  expect(() => jsonCodec.encode(undefined)).toThrow(/got undefined/)
  expect(() => jsonCodec.encode(() => 1)).toThrow(/got function/)
  expect(() => jsonCodec.encode(1n)).toThrow(/cannot be written as JSON/)
  const ring: { self?: unknown } = {}
  ring.self = ring
  expect(() => jsonCodec.encode(ring)).toThrow(/cannot be written as JSON/)
})

test('bytes travel as they are, copied at the call', () => {
  const given = Uint8Array.of(1, 2, 3)
  const body = bytesCodec.encode(given) as Uint8Array
  given[0] = 9
  expect([...body]).toEqual([1, 2, 3])
  expect(() => bytesCodec.encode('text')).toThrow(/takes a Uint8Array, got string/)
})
