import { expect, test } from 'vitest'
import type { DepthSample, Evidence, LabEvent } from '../evidence/evidence.ts'
import { type BiteName, biteNames, bitesOf } from './bites.ts'
import { loadHistory } from './load.ts'
import { at, down, type History, questionOf, together } from './naive/smallHistory.ts'

/** Two messages, sent at 100 and 200; worker 0.0 does the first, worker 1.0 the second. */
const base: History = {
  ledgers: {
    'producer 0.0': [
      ['invoke', 0, 100],
      ['invoke', 1, 200],
    ],
    'worker 0.0': [
      ['recv', 0, 110, { count: 1 }],
      ['done', 0, 120],
    ],
    'worker 1.0': [
      ['recv', 1, 210, { count: 1 }],
      ['done', 1, 220],
    ],
  },
  events: [
    ['worker 0.0', 'SUBSCRIBED', 10],
    ['worker 1.0', 'SUBSCRIBED', 10],
  ],
}
const worker = (name: string, ...entries: NonNullable<History['ledgers']>[string]): History => ({
  ledgers: { [name]: entries },
})
const waiting = (...counts: (number | 'unknown')[]): DepthSample[] =>
  counts.map((count) => ({
    ...{ timeNs: 1n, group: null, waiting: count, inFlight: 0, scheduled: 0, dead: 0, stored: 0 },
  }))

function seen(is: BiteName, histories: readonly History[], depth: DepthSample[] = []): number {
  const [found] = questionOf(together(base, ...histories))
  const evidence: Evidence = { ...found, depth }
  const [bite] = bitesOf([{ is, atLeast: 1 }], loadHistory(evidence), evidence)
  return bite?.seen ?? -1
}

/** Both, and what became of the first. */
const published = (outcome: 'ok' | 'info') =>
  worker('producer 0.0', ['invoke', 0, 100], ['invoke', 1, 200], [outcome, 0, 205])

const inHand = worker('worker 2.0', ['recv', 0, 130])

test.for<[BiteName, number, string, History[]]>([
  ['everyWorkerDone', 1, 'both did one', []],
  ['everyWorkerDone', 0, 'a third did none', [inHand]],
  ['everyWorkerDone', 1, 'its next start did', [inHand, worker('worker 2.1', ['done', 0, 140])]],
  ['busyKills', 1, 'one in hand', [inHand, at('KILL', 150, 150, 'worker 2.0')]],
  ['busyKills', 0, 'nothing in hand', [at('KILL', 150, 150, 'worker 0.0')]],
  ['busyKills', 0, 'not killed', [inHand]],
  ['busyKills', 0, 'it died by itself', [inHand, at('EXIT', 150, 150, 'worker 2.0')]],
  [
    'busyKills',
    0,
    'it failed before',
    [worker('worker 2.0', ['recv', 0, 130], ['throw', 0, 131]), at('KILL', 150, 150, 'worker 2.0')],
  ],
  ['attemptedWithNoWorker', 0, 'both are there', []],
  ['attemptedWithNoWorker', 0, 'one is left', [at('KILL', 150, 150, 'worker 0.0')]],
  [
    'attemptedWithNoWorker',
    1,
    'the second finds nobody',
    [at('KILL', 150, 150, 'worker 0.0'), at('LEAVE', 150, 150, 'worker 1.0')],
  ],
  [
    'seenElsewhere',
    1,
    'another is handed what the stopped one holds',
    [inHand, at('STOP', 140, 140, 'worker 2.0'), worker('worker 3.0', ['recv', 0, 145])],
  ],
  [
    'seenElsewhere',
    1,
    'another is handed what the blocked one holds',
    [inHand, at('BLOCK', 140, 140, 'worker 2.0'), worker('worker 3.0', ['recv', 0, 145])],
  ],
  [
    'seenElsewhere',
    0,
    'another was handed it before',
    [inHand, at('STOP', 140, 140, 'worker 2.0'), worker('worker 3.0', ['recv', 0, 139])],
  ],
  [
    'seenElsewhere',
    0,
    'it was handed out after the end',
    [
      inHand,
      at('STOP', 140, 140, 'worker 2.0'),
      at('CONT', 142, 143, 'worker 2.0'),
      worker('worker 3.0', ['recv', 0, 145]),
    ],
  ],
  [
    'seenElsewhere',
    0,
    'the stopped one had done it',
    [
      worker('worker 2.0', ['recv', 0, 130], ['done', 0, 135]),
      at('STOP', 140, 140, 'worker 2.0'),
      worker('worker 3.0', ['recv', 0, 145]),
    ],
  ],
  ['memberChanges', 0, 'first starts', []],
  ['memberChanges', 1, 'a death', [at('KILL', 150)]],
  [
    'memberChanges',
    2,
    'a leave and a return',
    [at('LEAVE', 150), at('SUBSCRIBED', 160, 160, 'worker 0.1')],
  ],
  ['memberChanges', 0, 'of relays', [at('KILL', 150, 150, 'relay 0.0')]],
  ['attemptsAboveOne', 0, 'first tries', []],
  ['attemptsAboveOne', 1, 'a second try', [worker('worker 2.0', ['recv', 0, 130, { count: 2 }])]],
  ['attemptsAboveOne', 1, 'one that no broker counts', [worker('worker 2.0', ['recv', 0, 130])]],
  ['infoOutcomes', 2, 'nobody was told anything', []],
  ['infoOutcomes', 1, 'one was told', [published('ok')]],
  ['infoOutcomes', 2, 'one was told that nobody knows', [published('info')]],
  ['brokerDowns', 0, 'none', []],
  ['brokerDowns', 2, 'it went down twice', [down('stop', 150), down('crash', 300)]],
  ['okBeforeCrash', 1, 'it died soon after an ok', [published('ok'), down('crash', 700)]],
  ['okBeforeCrash', 0, 'it died long after', [published('ok'), down('crash', 706)]],
  ['sentWithoutRelay', 0, 'no relay was killed', [worker('relay 0.0', ['taken', 0, 101])]],
  ['sentWithoutRelay', 1, 'nobody took over', [at('KILL', 150, 150, 'relay 0.0')]],
  [
    'sentWithoutRelay',
    0,
    'another took over before',
    [at('KILL', 150, 150, 'relay 0.0'), worker('relay 1.0', ['taken', 0, 180])],
  ],
  [
    'sentWithoutRelay',
    1,
    'another took over behind it',
    [at('KILL', 150, 150, 'relay 0.0'), worker('relay 1.0', ['taken', 1, 210])],
  ],
])('%s sees %i where %s', ([is, expected, _, histories]) => {
  expect(seen(is, histories)).toBe(expected)
})

test('depthSeen sees the most that waited, where the broker told', () => {
  expect(seen('depthSeen', [], waiting(3, 7, 'unknown', 2))).toBe(7)
  expect(seen('depthSeen', [], waiting('unknown'))).toBe(0)
})

test('answersLost sees what was told of each network when it was healed', () => {
  const [found] = questionOf(base)
  const of = { role: 'producer', actor: 0, incarnation: 0, fromNs: 1n, toNs: 2n } as const
  const events: LabEvent[] = [
    { event: 'NET_OFF', ...of, answersLost: 3 },
    { event: 'NET_OFF', ...of },
    { event: 'NET_OFF', ...of, answersLost: 4 },
  ]
  const evidence = { ...found, events }
  const [bite] = bitesOf([{ is: 'answersLost', atLeast: 1 }], loadHistory(evidence), evidence)
  expect(bite?.seen).toBe(7)
})

test('every condition has words, and says how much was wanted', () => {
  const [evidence] = questionOf(base)
  const conditions = biteNames.map((is, n) => ({ is, atLeast: n }))
  const bites = bitesOf(conditions, loadHistory(evidence), evidence)
  expect(bites.map(({ atLeast }) => atLeast)).toEqual(conditions.map(({ atLeast }) => atLeast))
  expect(new Set(bites.map(({ what }) => what)).size).toBe(biteNames.length)
})
