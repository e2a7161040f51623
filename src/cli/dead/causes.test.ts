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

it.for([
  ['row 7 of 9', 'row 12 of 40', true],
  ['user 01a1fd52-591d-7027-92ac-e54e81047245', 'user 01A1FD52-591D-7027-92AC-E54E81047246', true],
  ['object 507f1f77bcf86cd799439011', 'object 5baf1f77bcf86cd79943901f', true],
  ['job 01HV3K8Q9ZJ2M4N5P6R7S8T9VW', 'job 01HV3K8Q9ZJ2M4N5P6R7S8T9AA', true],
  ['order 1234567', 'order 123456789012', true],
  ['connect 10.0.0.1:5432', 'connect 10.0.0.17:5433', true],
  ['no rank\n  at line 3', 'no rank\n  at line 5, and so on', true],
  ['\n no rank', 'no rank', true],
  ['no rank', 'no hero', false],
  ['field a1 is missing', 'field b2 is missing', false],
])('%s and %s: one cause %s', ([one, other, isSame]) => {
  const found = new Causes()
  found.add(entry('a', one as string, 1))
  found.add(entry('b', other as string, 2))
  expect(found.list).toHaveLength(isSame ? 1 : 2)
  expect(found.list.map(({ reason }) => reason).join()).not.toContain('\n')
})

it('keeps a thousand causes at most, and counts every letter all the same', () => {
  const found = new Causes()
  const word = (n: number) => n.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[+digit] ?? '')
  for (let n = 0; n < 10_000; n++) found.add(entry(String(n), `no ${word(n)} ${'x'.repeat(n)}`, n))
  const causes = found.list
  expect(causes.length).toBeLessThanOrEqual(1_001)
  expect(causes[0]).toMatchObject({ reason: '(other reasons)', example: '9999' })
  expect(causes.reduce((sum, { count }) => sum + count, 0)).toBe(10_000)
  expect(Math.max(...causes.map(({ reason }) => reason.length))).toBe(500)
})

it('knows the most redrives of each cause', () => {
  const found = new Causes()
  const twice = entry('a', 'no rank', 1)
  found.add({ ...twice, letter: { ...twice.letter, redrives: 2 } })
  found.add(entry('b', 'no rank', 2))
  expect(found.list).toMatchObject([{ redrives: 2, reason: 'Error: no rank' }])
  expect(found.redrivesMax).toBe(2)
})

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
