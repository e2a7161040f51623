import { expect, test } from 'vitest'
import type { DepthSample } from '../evidence/evidence.ts'
import type { RunTerms } from '../termsOf.ts'
import { judge } from './judge.ts'
import { at, type Entry, type History, questionOf, sent, together } from './naive/smallHistory.ts'

/** Two messages; the first is done at 1 s, by worker 0, which is there from 0 s. */
const handed: Entry[] = [
  ['recv', 0, 1_000],
  ['done', 0, 1_000],
]
const base: History = {
  ledgers: { 'producer 0.0': [...sent(0, 500), ...sent(1, 510)], 'worker 0.0': handed },
  events: [['worker 0.0', 'SUBSCRIBED', 0]],
  terms: { reclaimWithinMs: 2_000 },
}

const look = (ms: number, waiting: DepthSample['waiting']): DepthSample => ({
  ...{ timeNs: BigInt(ms) * 1_000_000n, group: null, waiting },
  ...{ inFlight: 0, scheduled: 0, dead: 0, stored: 'unknown' },
})

/** Something waits at every second from 0 to `untilS`, but for those named. */
function deafIn(
  untilS: number,
  change: History = {},
  other: Record<number, 0 | 'unknown'> = {},
  order: RunTerms['order'] = 'none',
) {
  const [evidence, terms, guardMs] = questionOf(together(base, change))
  const depth = Array.from({ length: untilS + 1 }, (_, s) => look(s * 1_000, other[s] ?? 1))
  const run: RunTerms = { terms, unknown: [], order }
  const [group] = judge({ ...evidence, depth }, run, guardMs, []).groups
  return group?.checks.find(({ id }) => id === 'deaf')
}

test('deaf is who is free and lets messages wait for 30 s, and what a dead one may have held', () => {
  expect(deafIn(32)).toMatchObject({ status: 'held', observed: '31 s' })
  expect(deafIn(33)).toEqual({
    id: 'deaf',
    promise: 'nothing waits for 32 s while a worker is free',
    observed: '32 s',
    status: 'violated',
  })
  expect(deafIn(30)).toMatchObject({ status: 'held', observed: '0 s' })
})

test('it is also deaf when the broker is back, and nobody has said that it subscribed anew', () => {
  const crash: History = {
    events: [
      ['broker crash', 'BROKER_DOWN', 2_000],
      ['broker', 'BROKER_UP', 5_000],
    ],
  }
  expect([deafIn(36, crash)?.status, deafIn(37, crash)?.status]).toEqual(['held', 'violated'])
})

test.for<[string, History, Record<number, 0 | 'unknown'>?]>([
  ['nothing waits meanwhile', {}, { 20: 0 }],
  ['nobody could tell meanwhile', {}, { 20: 'unknown' }],
  ['it left', at('LEAVE', 20_000)],
  ['it was stopped', { events: [['worker 0.0', 'STOP', 20_000]] }],
  ['it was away', { events: [['worker 0.0', 'NET_ON', 20_000]] }],
  ['the broker was away', { events: [['broker crash', 'BROKER_DOWN', 20_000]] }],
  ['it was cut off', { ledgers: { 'worker 0.0': [...handed, ['cut', null, 20_000]] } }],
  ['it was busy', { ledgers: { 'worker 0.0': [...handed, ['recv', 1, 1_000]] } }],
  ['it was busy for long', busyUntil('done')],
  ['it failed after long', busyUntil('throw')],
  [
    'another was handed something',
    { ledgers: { 'worker 1.0': [['recv', 1, 20_000]] }, events: [['worker 1.0', 'SUBSCRIBED', 0]] },
  ],
])('not while %s', ([_, change, looks]) => {
  expect(deafIn(40, change, looks)?.status).toBe('held')
})

test.for(['done', 'throw'] as const)('it is deaf again when its handler has ended: %s', (end) => {
  expect(deafIn(60, busyUntil(end))).toMatchObject({ status: 'violated', observed: '40 s' })
})

test('what is foreign keeps nobody busy', () => {
  const foreign: Entry = ['recv', null, 1_000]
  expect(deafIn(40, { ledgers: { 'worker 0.0': [...handed, foreign] } })?.status).toBe('violated')
})

test('of a broker that keeps order, what waits may wait for one that is busy or dead', () => {
  const busy: History = {
    ledgers: { 'worker 1.0': [['recv', 1, 1_500]] },
    events: [['worker 1.0', 'SUBSCRIBED', 0]],
  }
  const status = (order: RunTerms['order'], ...more: History[]) =>
    deafIn(40, together(busy, ...more), {}, order)?.status
  expect([status('none'), status('key')]).toEqual(['violated', 'held'])
  const killed = at('KILL', 3_000, 3_000, 'worker 1.0')
  expect(status('key', killed)).toBe('violated')
})

function busyUntil(end: 'done' | 'throw'): History {
  return { ledgers: { 'worker 0.0': [...handed, ['recv', 1, 1_000], [end, 1, 20_000]] } }
}

test('where the broker does not tell what waits, nobody is called deaf', () => {
  const unknown = Object.fromEntries(Array.from({ length: 60 }, (_, s) => [s, 'unknown'] as const))
  expect(deafIn(50, {}, unknown)).toBeUndefined()
})
