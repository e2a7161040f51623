import { expect, test } from 'vitest'
import { becauseText } from './becauseText.ts'

test.for([
  [0, {}, 0, '0'],
  [1_019, { 'worker-killed': 1_019 }, 0, '1,019 by worker-killed'],
  [2, {}, 2, '2 unexplained'],
  [5, { retry: 1, 'broker-crash': 4 }, 0, '5: 4 broker-crash, 1 retry'],
  [3, { retry: 1 }, 2, '3: 1 retry, 2 unexplained'],
] as const)('why', ([total, byCause, unexplained, text]) => {
  expect(becauseText({ total, byCause, unexplained })).toBe(text)
})
