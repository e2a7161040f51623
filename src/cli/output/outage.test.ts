import { expect, test } from 'vitest'
import type { Clock } from '../../core/clock.ts'
import { Outage } from './outage.ts'

function told() {
  const lines: string[] = []
  let nowMs = 5_000
  const clock = { monotonicMs: () => nowMs } as Clock
  const outage = new Outage(clock, (_, line) => lines.push(line))
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { lines, outage, pass }
}

test('an outage is one line when it begins, and one when it ends', () => {
  const { lines, outage, pass } = told()
  outage.away('w1', 'Socket closed')
  for (let attempt = 0; attempt < 9; attempt++) {
    pass(1_000)
    outage.away('w1', 'ECONNREFUSED')
  }
  expect(lines).toEqual(['connection lost: Socket closed'])
  outage.back('w1')
  expect(lines.slice(1)).toEqual(['connection back after 9.0 s'])
  outage.back('w1')
  expect(lines).toHaveLength(2)
})

test('that of several is over when the last is back', () => {
  const { lines, outage, pass } = told()
  outage.away('w1', 'Socket closed')
  outage.away('w2', 'Socket closed')
  outage.back('w1')
  expect(lines).toHaveLength(1)
  pass(2_000)
  outage.back('w2')
  expect(lines).toHaveLength(2)
})

test('a long one is told of again once a minute, by its latest cause', () => {
  const { lines, outage, pass } = told()
  outage.away('w1', 'Socket closed')
  for (let attempt = 0; attempt < 5; attempt++) {
    pass(30_000)
    outage.away('w1', 'ECONNREFUSED')
  }
  expect(lines.slice(1)).toEqual([
    'connection lost for 1m 0s: ECONNREFUSED',
    'connection lost for 2m 0s: ECONNREFUSED',
  ])
})

test('the next one is an outage of its own', () => {
  const { lines, outage } = told()
  outage.away('w1', 'Socket closed')
  outage.back('w1')
  outage.away('w1', 'Socket closed')
  expect(lines).toHaveLength(3)
})

test('what a server says shows no control characters', () => {
  const { lines, outage } = told()
  outage.away('w1', 'no \x1b[31mred')
  expect(lines.join()).not.toContain('\x1b')
})
