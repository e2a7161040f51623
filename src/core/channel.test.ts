import { expect, test } from 'vitest'
import { checkName } from './channel.ts'

const names = ['orders', 'lib.server.lobby', 'A-1_b', 'x'.repeat(150), 'narrowcast.telemetry']

test.each(names)('%s is a name', (name) => {
  expect(() => checkName('channel', name)).not.toThrow()
})

test.each([
  ['', 'is empty'],
  ['x'.repeat(151), 'has 151 characters'],
  ['a b', 'has a character'],
  ['a:w:b', 'has a character'],
  ['{a}', 'has a character'],
  ['a==b', 'has a character'],
  ['a..b', 'two in a row'],
  ['a.', 'a dot at its end'],
  ['.a', 'has a character'],
  ['narrowcast', 'reserved'],
  ['narrowcast.telemetry2', 'reserved'],
])('%j is refused: %s', (name, why) => {
  expect(() => checkName('channel', name)).toThrow(why)
})

test('a group name is shorter', () => {
  expect(() => checkName('group', 'g'.repeat(60))).not.toThrow()
  expect(() => checkName('group', 'g'.repeat(61))).toThrow('has 61 characters')
})
