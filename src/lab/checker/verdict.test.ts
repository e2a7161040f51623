import { expect, test } from 'vitest'
import type { Check } from './checks.ts'
import { type Course, verdictOf } from './verdict.ts'

const held: Check = { id: 'lost', promise: 'nothing is lost', observed: '0', status: 'held' }
const violated: Check = { ...held, observed: '3 unexplained', status: 'violated' }
const unknown: Check = { ...held, observed: '2 by broker-crash', status: 'unknown' }

const bite = { what: 'kills that hit a message in hand', atLeast: 4, seen: 4 }
const good: Course = {
  isBarrierReached: true,
  isDrained: true,
  planned: 1_000,
  attempted: 900,
  disagreements: [],
  bites: [bite],
  ownEnds: [],
  unhit: [],
}

test('kept needs that everything was tested, and held', () => {
  expect(verdictOf([held], good)).toEqual({ status: 'KEPT', reasons: [] })
})

test.for([
  ['the barrier', { isBarrierReached: false }, 'not everybody was there before the first message'],
  [
    'the drain',
    { isDrained: false },
    'the time for draining was over, and the broker cannot be looked into',
  ],
  ['the plan', { attempted: 899 }, 'only 899 of 1,000 were sent'],
  ['an empty plan', { planned: 0, attempted: 0 }, 'only 0 of 0 were sent'],
  [
    'the broker',
    { disagreements: ['stored 999, acknowledged 1,000'] },
    'the broker disagrees: stored 999, acknowledged 1,000',
  ],
  ['a kind of fault', { unhit: ['broker-crash'] }, 'no broker crash hit anything'],
  [
    'the bite',
    { bites: [bite, { ...bite, seen: 3 }] },
    'no bite: kills that hit a message in hand: 3, at least 4 wanted',
  ],
  [
    'everybody',
    { ownEnds: ['worker 2, start 0,'] },
    'worker 2, start 0, ended by itself, or not well when it was told to',
  ],
] as const)('inconclusive for want of %s, and broken all the same', ([_, change, reason]) => {
  const course = { ...good, ...change }
  expect(verdictOf([held], course)).toEqual({ status: 'INCONCLUSIVE', reasons: [reason] })
  expect(verdictOf([held, violated], course)).toEqual({
    status: 'BROKEN',
    reasons: ['nothing is lost; seen: 3 unexplained'],
  })
})

test('what nobody can judge is inconclusive', () => {
  expect(verdictOf([held, unknown], good)).toEqual({
    status: 'INCONCLUSIVE',
    reasons: ['not known to be legal: nothing is lost; seen: 2 by broker-crash'],
  })
})
