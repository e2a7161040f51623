import { expect, test } from 'vitest'
import { FailureWindow } from './failureWindow.ts'

test('counts what lies within the window, and forgets the rest by tenths of it', () => {
  const window = new FailureWindow(1_000)
  const counts = () => ({ runs: window.runs, failures: window.failures })
  window.add(0, true)
  window.add(99, false)
  window.add(500, true)
  expect(counts()).toEqual({ runs: 3, failures: 2 })
  window.add(999, false)
  expect(counts()).toEqual({ runs: 4, failures: 2 })
  window.add(1_000, false)
  expect(counts()).toEqual({ runs: 3, failures: 1 })
  window.add(90_000, true)
  expect(counts()).toEqual({ runs: 1, failures: 1 })
  window.clear()
  expect(counts()).toEqual({ runs: 0, failures: 0 })
})
