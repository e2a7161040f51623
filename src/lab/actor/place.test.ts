import { expect, test } from 'vitest'
import { codeFlag, codeNames, positionNumber } from './place.ts'

test.for([
  ['17', 17n],
  ['1526919030474-55', (1_526_919_030_474n << 20n) | 55n],
  [undefined, 0n],
  ['somewhere', 0n],
] as const)('position %s is %i', ([position, expected]) => {
  expect(positionNumber(position)).toBe(expected)
})

test('an error code fits into a record, and is found again', () => {
  expect(codeNames.length).toBeLessThanOrEqual(256)
  expect(codeNames[codeFlag('TIMEOUT')]).toBe('TIMEOUT')
})
