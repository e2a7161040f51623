import { describe, expect, test } from 'vitest'
import type { Terms } from '../terms.ts'
import { causesOfKept, type RunTerms } from '../termsOf.ts'
import type { ByCause, GroupAccount, RepeatAccount } from './accounting.ts'
import type { BroadcastAccount, SubscriberAccount } from './broadcastAccounting.ts'
import { broadcastChecks, type Check, checksOf as checksWithOrder } from './checks.ts'
import type { Order } from './order.ts'

const terms: Terms = {
  pattern: 'queue',
  delivery: 'at-least-once',
  mayLose: ['broker-crash'],
  mayRepeat: ['retry', 'worker-killed'],
  tells: ['no-worker', 'handler-failed'],
  lossWindowMs: null,
  isSettleConfirmed: true,
  forgetsAcks: [],
  attempts: 4,
  deliveriesMax: 10,
  leaseMs: 2_000,
  isStoreShared: false,
  isOwnedByConnection: false,
  areCrashesMixed: false,
  inHandMax: 4,
  reclaimWithinMs: 3_000,
  resumes: false,
  isOrderedByKey: false,
  isRetentionReached: false,
}
const run: RunTerms = { terms, unknown: [], order: 'none' }
const inOrder = { reordered: 0, ratio: 0, extentP99: 0, extentMax: 0 }
const noOrder: Order = { perWorker: inOrder, overall: inOrder, byRedelivery: 0, withoutPlace: 0 }

const repeats = (total: number, byCause: ByCause, unexplained = 0): RepeatAccount => ({
  ...{ total, byCause, unexplained, unexplainedSample: [] },
})

const fine: GroupAccount = {
  ...{ group: null, attempted: 9, acknowledged: 9, failed: 0, indeterminate: 0, delivered: 9 },
  ...{ processed: 9, dead: 0, residual: 0, stuck: 0, unsettled: 0, recovered: 0, phantom: 0 },
  ...{ unexpected: 0, late: 0, overlap: 0, storedTwice: 0, effectNotOne: 0 },
  ...{ deadUnfounded: 0, retriedBeyond: 0, lateUnfounded: 0, leftAcked: 0, ackedBeyond: 0 },
  lost: {
    ...{ total: 0, broker: 0, worker: 0, reported: 0, silent: 0, prefix: 0, middle: 0 },
    ...{ postfix: 0, bursts: 0, longestBurst: 0, byCause: {}, silentByCause: {}, unexplained: 0 },
    ...{ sample: [], unexplainedSample: [] },
  },
  redelivered: repeats(0, {}),
  reprocessed: repeats(0, {}),
}

const checksOf = (account: GroupAccount, terms: RunTerms, order = noOrder, overlaps = 0) =>
  checksWithOrder(account, order, overlaps, terms)

const lost = (losses: Partial<GroupAccount['lost']>): GroupAccount => ({
  ...fine,
  lost: { ...fine.lost, ...losses },
})

/** Those that are not held. */
function told(checks: readonly Check[]): string[] {
  return checks
    .filter(({ status }) => status !== 'held')
    .map(({ id, status, observed }) => `${id} ${status}: ${observed}`)
}

test('nothing wrong is all held, and says what was promised', () => {
  const checks = checksOf(fine, run)
  expect(told(checks)).toEqual([])
  expect(checks.map(({ id }) => id)).toEqual([
    ...['lost', 'told', 'redelivered', 'reprocessed', 'stored-twice', 'phantom', 'unexpected'],
    'left',
    'stuck',
    'dead',
    'late',
    'fenced',
    'retried',
  ])
  expect(checks[0]?.promise).toBe('accepted messages are lost only by broker-crash')
  const nothing = { ...run, terms: { ...terms, mayLose: [] } }
  expect(checksOf(fine, nothing)[0]?.promise).toBe('no accepted messages are lost')
})

test.for([
  [['retry', 'worker-killed'], 'done again only by retry, worker-killed'],
  [causesOfKept, 'done again only where something that happened explains it'],
  [
    causesOfKept.filter((cause) => cause !== 'producer-retry'),
    'done again only where something else than producer-retry explains it',
  ],
] as const)('a promise names what is legal, or all of it in a word', ([mayRepeat, promise]) => {
  const checks = checksOf(fine, { ...run, terms: { ...terms, mayRepeat } })
  expect(checks.find(({ id }) => id === 'reprocessed')?.promise).toBe(promise)
})

describe('losses', () => {
  test.for([
    ['by what the contract names', { total: 2_000, byCause: { 'broker-crash': 2_000 } }, []],
    [
      'by something else',
      { total: 3, byCause: { 'broker-crash': 2, 'worker-killed': 1 } },
      ['lost violated: 3: 2 broker-crash, 1 worker-killed'],
    ],
    [
      'by nothing that was recorded',
      { total: 1_234, unexplained: 1_234 },
      ['lost violated: 1,234 unexplained'],
    ],
  ] as const)('%s', ([_, losses, expected]) => {
    expect(told(checksOf(lost(losses), run))).toEqual(expected)
  })

  test('that may or may not be legal are not known', () => {
    const some = lost({ total: 1, byCause: { 'broker-crash': 1 } })
    const unsure: RunTerms = { ...run, unknown: ['broker-crash'] }
    expect(told(checksOf(some, unsure))).toEqual(['lost unknown: 1 by broker-crash'])
    expect(told(checksOf(fine, unsure))).toEqual([])
    const more = lost({ total: 2, byCause: { 'broker-crash': 1 }, unexplained: 1 })
    expect(told(checksOf(more, unsure))[0]).toMatch(/^lost violated/)
  })

  test('that must be told of, and were not', () => {
    const live = { ...run, terms: { ...terms, mayLose: ['no-worker', 'cut-off'] as const } }
    const byCause = { 'no-worker': 3, 'cut-off': 2 }
    const silent = lost({ total: 5, byCause, silentByCause: { 'cut-off': 2 } })
    expect(told(checksOf(silent, live))).toEqual([])
    const untold = lost({ total: 5, byCause, silentByCause: { 'no-worker': 1, 'cut-off': 2 } })
    expect(told(checksOf(untold, live))).toEqual(['told violated: 1 silent: 1 no-worker'])
  })
})

test.for([
  [{ redelivered: repeats(1, { retry: 1 }) }, []],
  [
    { redelivered: repeats(1, { 'lease-expired': 1 }) },
    ['redelivered violated: 1 by lease-expired'],
  ],
  [
    { reprocessed: repeats(2, { retry: 1 }, 1) },
    ['reprocessed violated: 2: 1 retry, 1 unexplained'],
  ],
  [{ storedTwice: 1 }, ['stored-twice violated: 1']],
  [{ phantom: 1 }, ['phantom violated: 1']],
  [{ unexpected: 1 }, ['unexpected violated: 1']],
  [{ stuck: 1 }, ['stuck violated: 1']],
  [{ unsettled: 2, leftAcked: 1 }, ['left violated: 1']],
  [{ deadUnfounded: 1 }, ['dead violated: 1']],
  [{ ackedBeyond: 1 }, ['fenced violated: 1']],
  [{ retriedBeyond: 1 }, ['retried violated: 1']],
  [{ late: 2, lateUnfounded: 1 }, ['late violated: 1']],
  [{ late: 1, overlap: 1, unsettled: 1, recovered: 1, effectNotOne: 1, residual: 1 }, []],
] as const)('%j', ([change, expected]) => {
  expect(told(checksOf({ ...fine, ...change }, run))).toEqual(expected)
})

test('what is published again may be stored twice where nothing remembers it', () => {
  const forgetful = { ...run, terms: { ...terms, mayRepeat: ['producer-retry'] as const } }
  expect(told(checksOf({ ...fine, storedTwice: 1 }, forgetful))).toEqual([])
})

test.for([
  ['none', []],
  ['key on the first try', ['order violated: 2']],
  ['key', ['order violated: 5']],
] as const)(
  'five out of order, three of them by redelivery, with order %s',
  ([order, expected]) => {
    const some: Order = { ...noOrder, overall: { ...inOrder, reordered: 5 }, byRedelivery: 3 }
    expect(told(checksOf(fine, { ...run, order }, some))).toEqual(expected)
    expect(told(checksOf(fine, { ...run, order }, noOrder))).toEqual([])
    const atOnce = order === 'none' ? [] : ['one-of-a-key violated: 1']
    expect(told(checksOf(fine, { ...run, order }, noOrder, 1))).toEqual(atOnce)
  },
)

describe('a broadcast', () => {
  const subscriber: SubscriberAccount = {
    ...{ subscriber: 2, owed: 9, edge: 0, delivered: 9, unexpected: 0 },
    missed: missed(0, {}, 0),
    extra: repeats(0, {}),
  }
  const all: BroadcastAccount = {
    ...{ attempted: 9, acknowledged: 9, failed: 0, indeterminate: 0, phantom: 0 },
    unheard: { total: 0, reported: 0, silent: 0, silentByCause: {} },
    subscribers: [{ ...subscriber, subscriber: 1 }, subscriber],
  }
  const second = (change: Partial<SubscriberAccount>): BroadcastAccount => ({
    ...all,
    subscribers: [
      { ...subscriber, subscriber: 1 },
      { ...subscriber, ...change },
    ],
  })
  const live: RunTerms = { ...run, terms: { ...terms, mayLose: ['cut-off'] } }

  test.for([
    ['nothing wrong', all, []],
    ['unheard, and told', { ...all, unheard: unheard(3, {}) }, []],
    [
      'unheard, on the way to a dead one',
      { ...all, unheard: unheard(2, { 'worker-killed': 1 }) },
      [],
    ],
    [
      'unheard, and not told',
      { ...all, unheard: unheard(2, { 'no-worker': 1 }) },
      ['told violated: 1 silent: 1 no-worker'],
    ],
    ['missed by what is legal', second({ missed: missed(1, { 'cut-off': 1 }, 0) }), []],
    [
      'missed without a cause',
      second({ missed: missed(1, {}, 1) }),
      ['missed-2 violated: 1 unexplained'],
    ],
    [
      'given twice without a cause',
      second({ extra: repeats(1, {}, 1) }),
      ['extra-2 violated: 1 unexplained'],
    ],
    ['foreign', second({ unexpected: 2 }), ['unexpected violated: 2']],
    ['refused and delivered', { ...all, phantom: 1 }, ['phantom violated: 1']],
  ] as const)('%s', ([_, account, expected]) => {
    expect(told(broadcastChecks(account, live))).toEqual(expected)
  })

  function unheard(reported: number, silentByCause: ByCause) {
    const silent = Object.values(silentByCause).reduce((sum, count) => sum + count, 0)
    return { total: reported + silent, reported, silent, silentByCause }
  }

  function missed(total: number, byCause: object, unexplained: number) {
    return { total, byCause, unexplained, sample: [], unexplainedSample: [] }
  }
})
