import { expect, it } from 'vitest'
import type { DeadEntry } from '../../core/driver.ts'
import { Causes } from './causes.ts'

function entry(
  id: string,
  message: string,
  diedMs: number,
  group: string | null = null,
): DeadEntry {
  return {
    ref: id,
    message: {
      id,
      key: null,
      timeMs: 0,
      headers: {},
      type: 't',
      source: 's',
      body: '1',
      bytes: 1,
    },
    letter: {
      cause: 'failures',
      reason: message,
      error: { name: 'Error', message, worker: 'w', atMs: diedMs },
      failures: 5,
      crashes: 0,
      redrives: 0,
      firstFailedMs: 0,
      diedMs,
      channel: 'c',
      group,
      worker: 'w',
    },
  }
}

it('groups what died alike, the most frequent first', () => {
  const found = new Causes()
  const entries = [
    entry('a', 'order 17 timed out after 30 s', 10),
    entry('b', 'order 4711 timed out after 29 s', 30),
    entry('c', 'no rank', 20),
    entry('d', 'no rank', 25, 'mail'),
  ]
  for (const one of entries) found.add(one)
  const causes = found.list
  expect(found.count).toBe(4)
  expect(causes.map(({ count, group, example }) => [count, group, example])).toEqual([
    [2, null, 'b'],
    [1, 'mail', 'd'],
    [1, null, 'c'],
  ])
  expect(causes[0]).toMatchObject({
    firstMs: 10,
    lastMs: 30,
    reason: 'Error: order 4711 timed out after 29 s',
  })
})
