import { expect, test } from 'vitest'
import { type Entry, type History, questionOf } from '../checker/naive/smallHistory.ts'
import { historyOf } from './history.ts'

const sends = Array.from({ length: 5 }, (_, at) => at).flatMap((at): Entry[] => [
  ['invoke', at, 1_000 + at],
  ...(at === 3 ? [] : ([['ok', at, 1_001 + at]] satisfies Entry[])),
])
/** 0 and 4 are fine, 1 is done twice, 2 is lost, 3 is unknown. */
const history: History = {
  ledgers: {
    'producer 0.0': sends,
    'worker 0.0': [0, 1, 1, 4].flatMap((at, place): Entry[] => [
      ['recv', at, 1_010 + place],
      ['done', at, 1_010 + place],
    ]),
  },
}

function linesFor(shownMax?: number) {
  const [evidence] = questionOf(history)
  const source = { evidence, zeroNs: 1_000_000_000n, run: 'r1', isBroadcast: false }
  const text = historyOf(source, shownMax)
  expect(text.at(-1)).toBe('\n')
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line))
}

test('every message that was not plainly fine, with all its records', () => {
  const [head, ...messages] = linesFor()
  expect(head).toEqual({ v: 1, type: 'lab.history', messages: 3, shown: 3 })
  expect(messages.map(({ id, fates }) => [id, fates])).toEqual([
    ['r1-p00-i00-s0000001', ['delivered again', 'done again']],
    ['r1-p00-i00-s0000002', ['lost']],
    ['r1-p00-i00-s0000003', ['unknown']],
  ])
  expect(messages[1]).toEqual({
    ...{ v: 1, type: 'lab.message', id: 'r1-p00-i00-s0000002', key: 'k00', fates: ['lost'] },
    lines: [
      { atMs: 2, who: 'p00.0', what: 'INVOKE', detail: 'attempt 0, due -00:01.000' },
      { atMs: 3, who: 'p00.0', what: 'OK', detail: '0 receivers' },
    ],
  })
})

test('where there are more, it says so', () => {
  const [head, ...messages] = linesFor(2)
  expect(head).toMatchObject({ messages: 3, shown: 2 })
  expect(messages).toHaveLength(2)
})
