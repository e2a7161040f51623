import { expect, test } from 'vitest'
import { readSlots, redirectOf, slotOf } from './slots.ts'

const asked = { host: '10.0.0.1', port: 7000 }

test.each([
  ['123456789', 0x31c3 % 16_384], // the check value of CRC16 XMODEM
  ['foo', 12_182],
  ['orders', slotOf('{orders}:held:x')],
  ['{}orders', slotOf('{}orders')],
])('slot of %s', (key, slot) => {
  expect(slotOf(key)).toBe(slot)
})

test('empty braces are part of the key, and only the first ones count', () => {
  expect(slotOf('{}foo')).not.toBe(slotOf('foo'))
  expect(slotOf('{foo}{bar}')).toBe(12_182)
})

test('a node without a host is where it was asked; a slot of nobody has no address', () => {
  const table = readSlots([[0, 5, [null, 7001, 'id'], ['10.0.0.9', 7002, 'replica']]], asked)
  expect(table.at(5)).toEqual({ host: '10.0.0.1', port: 7001 })
  expect(table.at(6)).toBeUndefined()
  expect(table.primaries).toHaveLength(1)
})

test.each([
  ['MOVED 3999 127.0.0.1:6381', { kind: 'MOVED', address: { host: '127.0.0.1', port: 6381 } }],
  ['ASK 3999 ::1:6381', { kind: 'ASK', address: { host: '::1', port: 6381 } }],
  ['MOVED 3999 :6381', { kind: 'MOVED', address: { host: '10.0.0.1', port: 6381 } }],
  ['ERR MOVED 3999 127.0.0.1:6381', null],
])('%s', (text, redirect) => {
  expect(redirectOf(text, asked)).toEqual(redirect)
})
