import { expect, test } from 'vitest'
import { reportOf } from './build.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'
import { died } from './exampleText.ts'
import { withMore } from './whatNext.ts'

const command = 'narrowcast lab run all-dead-revive --on file:narrowcast --messages 800 --seed 7'
const more = (atLeast: number, seen: number) => {
  const load = { messages: 800 }
  const report = reportOf(exampleResult({ history: died, load }), { ...exampleAbout, command })
  return withMore({ ...report, bites: [{ what: 'messages without a worker', atLeast, seen }] })
}

test('a condition that was nearly met leads to the same run with more messages', () => {
  expect(more(1_000, 515)).toEqual([
    'narrowcast lab run all-dead-revive --on file:narrowcast --seed 7 --messages 2000',
  ])
})

test('one that saw nothing, or enough, does not', () => {
  expect([more(1_000, 0), more(1_000, 1_000)]).toEqual([[], []])
})
