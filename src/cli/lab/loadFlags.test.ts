import { expect, test } from 'vitest'
import { makeFlags } from '../flags.ts'
import { loadGiven } from './loadFlags.ts'

test.for([
  ['messages', '0', '--messages: expected from 1 to 10,000,000, got 0'],
  ['rate', '0', '--rate: expected above 0 to 1,000,000, got 0'],
  ['bytes', '10', '--bytes: expected from 48 to 1,048,576, got 10'],
  ['handler', '11m', '--handler: expected from 0 to 600,000 ms, got 660000 ms'],
  ['workers', 'few', '--workers: expected a whole number of at least 0, got "few"'],
] as const)('--%s %s is refused with what was expected', ([flag, word, message]) => {
  const given = () => loadGiven(makeFlags({ [flag]: word }))
  expect(given).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG', message }))
})

test('what is within its range is taken', () => {
  expect(loadGiven(makeFlags({ messages: '1', rate: '1000000', handler: '10m' }))).toEqual({
    ...{ messages: 1, perSecond: 1_000_000, handlerMs: 600_000 },
  })
})
