import { expect, test } from 'vitest'
import type { DepthSample } from '../evidence/evidence.ts'
import { backlogIn } from './backlog.ts'

const told: DepthSample = {
  ...{ timeNs: 0n, group: null, dead: 9, stored: 9 },
  ...{ waiting: 4, inFlight: 2, scheduled: 1 },
}

test('a backlog is what is told of it, and unknown where what waits is', () => {
  expect(backlogIn(told)).toBe(7)
  expect(backlogIn({ ...told, inFlight: 'unknown' })).toBe(5)
  expect(backlogIn({ ...told, waiting: 'unknown' })).toBeNull()
  expect(backlogIn({ ...told, scheduled: 'unknown' })).toBeNull()
})
