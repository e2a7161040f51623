import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Episodes } from './episodes.ts'
import { keyOverlaps } from './keyOverlap.ts'
import { loadHistory } from './load.ts'
import { at, down, type Entry, type History, questionOf, together } from './naive/smallHistory.ts'

const published: History = {
  ledgers: { 'producer 0.0': [0, 1, 2, 3].map((sequence): Entry => ['invoke', sequence, 1]) },
}
const worker = (name: string, ...entries: Entry[]): History => ({ ledgers: { [name]: entries } })
const first = worker('worker 0.0', ['recv', 0, 10], ['done', 0, 20])

function overlaps(...histories: History[]): number {
  const [evidence] = questionOf(together(published, ...histories))
  const loaded = loadHistory(evidence)
  return keyOverlaps(evidence.ledgers, null, loaded, new Episodes(loaded.history.events))
}

const second = (ms: number, key = 0) => worker('worker 1.0', ['recv', 1, ms, { key }])
const open = worker('worker 0.0', ['recv', 0, 10])

test.for<[string, number, History[]]>([
  ['one after the other', 0, [first, second(20)]],
  ['both at once', 1, [first, second(19)]],
  ['of another key', 0, [first, second(19, 5)]],
  ['the same message twice', 0, [first, worker('worker 1.0', ['recv', 0, 15])]],
  ['the first never ended', 1, [open, second(99)]],
  ['its worker was killed before', 0, [open, at('KILL', 50), second(99)]],
  ['its worker was killed after', 1, [open, at('KILL', 50), second(49)]],
  ['its worker was stopped', 0, [first, at('STOP', 15), second(19)]],
  ['its worker was cut off', 0, [first, at('NET_ON', 15), second(19)]],
  ['the broker was away', 0, [first, down('crash', 15), second(19)]],
  ['another worker was killed', 1, [first, at('KILL', 15, 15, 'worker 2.0'), second(19)]],
  [
    'the first was late',
    0,
    [
      worker('worker 0.0', ['recv', 0, 10], ['done', 0, 20], ['settled', 0, 21, { flags: 0x80 }]),
      second(19),
    ],
  ],
  [
    'a failure ends it too',
    0,
    [worker('worker 0.0', ['recv', 0, 10], ['throw', 0, 15]), second(19)],
  ],
  ['in one worker', 1, [worker('worker 0.0', ['recv', 0, 10], ['recv', 1, 11])]],
])('%s: %i', ([_, expected, histories]) => {
  expect(overlaps(...histories)).toBe(expected)
})

test('is what nested loops find', () => {
  const hand = fc.record({
    ...{ message: fc.nat(3), key: fc.nat(1), from: fc.nat(30), length: fc.nat(9) },
    worker: fc.nat(6),
  })
  fc.assert(
    fc.property(fc.array(hand, { maxLength: 8 }), (all) => {
      // A hand of each worker at most, so that each of its ends is its own.
      const hands = [...new Map(all.map((one) => [one.worker, one])).values()]
      const histories = hands.map(({ message, key, from, length, worker: who }) =>
        worker(
          `worker ${who}.0`,
          ['recv', message, from, { key }],
          ['done', message, from + length, { key }],
        ),
      )
      const ordered = hands.toSorted((a, b) => a.from - b.from)
      const expected = ordered.filter((one, place) =>
        ordered
          .slice(0, place)
          .some(
            (rival) =>
              rival.key === one.key &&
              rival.message !== one.message &&
              rival.from + rival.length > one.from,
          ),
      )
      const isTied = new Set(hands.map(({ from }) => from)).size < hands.length
      fc.pre(!isTied)
      expect(overlaps(...histories)).toBe(expected.length)
    }),
    { numRuns: 1_000 },
  )
})
