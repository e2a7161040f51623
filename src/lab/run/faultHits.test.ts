import { expect, test } from 'vitest'
import { type Entry, questionOf } from '../checker/naive/smallHistory.ts'
import type { PlannedFault } from '../plan.ts'
import { judgedFaults, unhitKinds } from './faultHits.ts'
import type { AppliedFault } from './result.ts'

const crash: AppliedFault = {
  kind: 'broker-crash',
  ...{ target: 'the broker', plannedMs: 0, appliedMs: 50, endedMs: 60, inHand: null },
}
const kill: AppliedFault = { ...crash, kind: 'kill', target: 'worker 0', inHand: 1 }

function hits(fault: AppliedFault, ...entries: Entry[]): boolean | undefined {
  const [{ ledgers }] = questionOf({ ledgers: { 'worker 0.0': entries } })
  return judgedFaults([fault], ledgers, 100_000_000n)[0]?.hit
}

test('a worker is hit with a message in hand, and not without', () => {
  expect(hits(kill)).toBe(true)
  expect(hits({ ...kill, inHand: 0 }, ['recv', 0, 200])).toBe(false)
})

test.for<readonly [Entry, boolean]>([
  [['invoke', 0, 151], true],
  [['recv', 0, 151], true],
  [['recv', 0, 150], false],
  [['settled', 0, 200], false],
])('a broker is hit while messages are sent or handed out: %j', ([entry, isHit]) => {
  expect(hits(crash, entry)).toBe(isHit)
  expect(hits(crash, entry, ['settled', 0, 300])).toBe(isHit)
})

test('kinds of which none hit anything, and none that was not planned', () => {
  const planned: PlannedFault[] = [
    { kind: 'kill', target: 'busiest', atMs: 0, restartAfterMs: 1 },
    { kind: 'kill', target: 'busiest', atMs: 1, restartAfterMs: 1 },
    { kind: 'leave', atMs: 2, restartAfterMs: 1 },
  ]
  const leave = { ...kill, kind: 'leave', hit: false } as const
  expect(unhitKinds(planned, [{ ...kill, hit: false }, { ...kill, hit: true }, leave])).toEqual([
    'leave',
  ])
})

test.for<readonly [boolean, readonly string[]]>([
  [true, []],
  [false, ['drawn fault']],
])(
  'of faults that were drawn, chance says which kinds there are: one that hits is enough: %j',
  ([hit, unhit]) => {
    const planned: PlannedFault[] = [
      { kind: 'kill', target: 'busiest', atMs: 0, restartAfterMs: 1, pauseMs: 1 },
      { kind: 'leave', atMs: 2, restartAfterMs: 1, pauseMs: 1 },
    ]
    const leave = { ...kill, kind: 'leave', hit: false } as const
    expect(unhitKinds(planned, [{ ...kill, hit }, leave])).toEqual(unhit)
  },
)
