import { expect, test } from 'vitest'
import { Gaps, gapLine } from './gaps.ts'

test('gaps are added up by their reason, and what nobody knows stays apart', () => {
  const gaps = new Gaps()
  expect(gaps.isEmpty).toBe(true)
  gaps.add({ missed: 1_000, why: 'overflow' })
  gaps.add({ missed: 'unknown', why: 'reconnect' })
  gaps.add({ missed: 'unknown', why: 'reconnect' })
  gaps.add({ missed: 500, why: 'overflow' })
  gaps.add({ missed: 1, why: 'reconnect' })
  expect(gaps.take().map(gapLine)).toEqual([
    'missed an unknown number of messages: reconnect, a worker was away for longer than its lease',
    'missed 1,500 messages: overflow, more came than handlers took',
    'missed 1 message: reconnect, a worker was away for longer than its lease',
  ])
  expect(gaps.isEmpty).toBe(true)
  expect(gaps.take()).toEqual([])
})
