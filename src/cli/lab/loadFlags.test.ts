import { expect, test } from 'vitest'
import { makeFlags } from '../flags.ts'
import { loadGiven } from './loadFlags.ts'

test.for([
  ['messages', '0', '--messages: expected a whole number from 1 to 10,000,000, got "0"'],
  ['messages', '-5', '--messages: expected a whole number from 1 to 10,000,000, got "-5"'],
  [
    'messages',
    '99999999',
    '--messages: expected a whole number from 1 to 10,000,000, got "99999999"',
  ],
  ['rate', '0', '--rate: expected a whole number from 1 to 1,000,000, got "0"'],
  ['rate', '0.5', '--rate: expected a whole number from 1 to 1,000,000, got "0.5"'],
  ['bytes', '10', '--bytes: expected a whole number from 48 to 1,048,576, got "10"'],
  ['handler', '11m', '--handler: expected from 0 to 600,000 ms, got 660000 ms'],
  ['workers', 'few', '--workers: expected a whole number from 1 to 256, got "few"'],
] as const)('--%s %s is refused with what was expected', ([flag, word, message]) => {
  const given = () => loadGiven(makeFlags({ [flag]: word }))
  expect(given).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG', message }))
})

test('what is within its range is taken', () => {
  expect(loadGiven(makeFlags({ messages: '1', rate: '1000000', handler: '10m' }))).toEqual({
    ...{ messages: 1, perSecond: 1_000_000, handlerMs: 600_000 },
  })
})
