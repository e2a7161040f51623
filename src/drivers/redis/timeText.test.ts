import { expect, test } from 'vitest'
import { timeText } from './timeText.ts'

test('each time has its own text, also after one that no date can be', () => {
  const [first, second] = ['2026-01-02T03:04:05.678Z', '1969-12-31T23:59:59.999Z']
  for (const text of [first, first, second, first]) expect(timeText(Date.parse(text))).toBe(text)
  for (const never of [Number.NaN, 9e15, 9e15]) expect(() => timeText(never)).toThrow(RangeError)
  expect(timeText(Date.parse(first))).toBe(first)
})
