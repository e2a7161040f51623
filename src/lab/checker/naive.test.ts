import { describe, expect, test } from 'vitest'
import { noProducer } from '../evidence/record.ts'
import { ledgerOf } from './naive/ledgerOf.ts'
import {
  accountOf,
  accountsOf,
  type Entry,
  type History,
  sent,
  together,
  usualTerms,
} from './naive/smallHistory.ts'
import { naiveAccount } from './naive.ts'

const producer = (...entries: Entry[]): History => ({ ledgers: { 'producer 0.0': entries } })
const worker = (...entries: Entry[]): History => ({ ledgers: { 'worker 0.0': entries } })
const other = (...entries: Entry[]): History => ({ ledgers: { 'worker 1.0': entries } })
const one = producer(...sent(0))
const many = (count: number) =>
  producer(...Array.from({ length: count }, (_, at) => sent(at, 100 + at)).flat())
const done = (sequence: number, ms = 110): Entry[] => [
  ['recv', sequence, ms],
  ['done', sequence, ms + 2],
]

test('nobody was there and nothing was sent', () => {
  expect(accountsOf({})).toMatchObject([
    { group: null, attempted: 0, lost: { total: 0, sample: [] } },
  ])
})

test('a group for each that workers and readers of leftovers have, null first', () => {
  const ledgers = { 'worker 0.0 of b': done(0), 'drainReader 0.0 of a': [], 'worker 1.0': [] }
  const dead: History = { ledgers: { 'deadReader 0.0 of c': [['dead', 0, 120]] } }
  const found = accountsOf(together(one, { ledgers }, dead))
  expect(found.map(({ group, processed, lost }) => [group, processed, lost.total])).toEqual([
    [null, 0, 1],
    ['a', 0, 1],
    ['b', 1, 0],
  ])
})

test('a torn record at the end, and one of an unknown type, say nothing', () => {
  const worker = { role: 'worker', actor: 0, incarnation: 0 } as const
  const producer = { role: 'producer', actor: 0, incarnation: 0 } as const
  const about = { producer: 0, timeNs: 1n } as const
  const processed = (tornBytes: number, isUnknown: boolean) => {
    const sends = ledgerOf(producer, null, [{ type: 'invoke', ...about }])
    const does = ledgerOf(worker, null, [{ type: 'done', ...about }], tornBytes)
    if (isUnknown) does.bytes[0] = 200
    const evidence = { ledgers: [sends, does], events: [], depth: [] }
    return naiveAccount(evidence, usualTerms, 2)[0]?.processed
  }
  expect([processed(0, false), processed(31, false), processed(0, true)]).toEqual([1, 1, 0])
})

describe('an outcome', () => {
  test.for<[string, Entry[], object]>([
    [
      'ok once',
      [
        ['invoke', 0, 1],
        ['info', 0, 2],
        ['invoke', 0, 3],
        ['ok', 0, 4],
      ],
      { acknowledged: 1 },
    ],
    [
      'unknown once',
      [
        ['invoke', 0, 1],
        ['info', 0, 2],
        ['invoke', 0, 3],
        ['fail', 0, 4],
      ],
      { indeterminate: 1 },
    ],
    [
      'open',
      [
        ['invoke', 0, 1],
        ['invoke', 0, 3],
        ['fail', 0, 4],
      ],
      { indeterminate: 1 },
    ],
    [
      'failed',
      [
        ['invoke', 0, 1],
        ['fail', 0, 2],
        ['invoke', 0, 3],
        ['fail', 0, 4],
      ],
      { failed: 1 },
    ],
    ['about no message', [['invoke', 0, 1, { producer: noProducer }]], { attempted: 0 }],
  ])('%s', ([, entries, expected]) => {
    const none = { acknowledged: 0, failed: 0, indeterminate: 0 }
    expect(accountOf(producer(...entries))).toMatchObject({ ...none, ...expected })
  })

  test('of a message that the next start sends again', () => {
    const again: History = { ledgers: { 'producer 0.1': sent(0, 120) } }
    const found = accountOf(together(producer(['invoke', 0, 100]), again))
    expect(found).toMatchObject({ attempted: 1, acknowledged: 1 })
  })
})

describe('the sets', () => {
  const of = (...histories: History[]) => accountOf(together(...histories))
  const left: History = { ledgers: { 'drainReader 0.0': [['left', 0, 200]] } }
  const dead: History = { ledgers: { 'deadReader 0.0': [['dead', 0, 200]] } }
  const failed = producer(['invoke', 0, 100], ['fail', 0, 101])
  const open = producer(['invoke', 0, 100])

  test('stuck: left, and neither done nor dead', () => {
    expect(of(one, left)).toMatchObject({ residual: 1, stuck: 1, unsettled: 0, lost: { total: 0 } })
    expect(of(one, left, worker(...done(0)))).toMatchObject({ stuck: 0, unsettled: 1 })
    expect(of(one, left, dead)).toMatchObject({ dead: 1, stuck: 0, unsettled: 0 })
    expect(of(open, left)).toMatchObject({ stuck: 0, recovered: 1 })
  })

  test('recovered: unknown, and settled', () => {
    expect(of(open, worker(...done(0)))).toMatchObject({ recovered: 1 })
    expect(of(open, worker(['recv', 0, 110]))).toMatchObject({ recovered: 0, lost: { total: 0 } })
  })

  test('phantom: failed, and delivered, dead or left', () => {
    expect(of(failed, worker(['recv', 0, 110]))).toMatchObject({ phantom: 1 })
    expect(of(failed, dead)).toMatchObject({ phantom: 1 })
    expect(of(failed, left)).toMatchObject({ phantom: 1, residual: 1 })
    expect(of(failed)).toMatchObject({ phantom: 0 })
  })

  test('unexpected: what nobody has sent counts once a delivery, and nowhere else', () => {
    const strange: Entry[] = [
      ['recv', 7, 110],
      ['recv', 7, 111],
      ['done', 7, 112],
      ['settled', 7, 113, { flags: 0x80 }],
      ['recv', 0, 114, { producer: noProducer }],
    ]
    const found = of(one, worker(...strange))
    expect(found).toMatchObject({ unexpected: 3, delivered: 0, processed: 0, late: 0 })
    expect(found).toMatchObject({ redelivered: { total: 0 }, effectNotOne: 0, attempted: 1 })
  })

  test('late: each settlement that came late', () => {
    const flags = [0x80, 0x81, 1].map((flags): Entry => ['settled', 0, 120, { flags }])
    expect(of(one, worker(...done(0), ...flags))).toMatchObject({ late: 2 })
  })

  test('late without a reason: its worker and the broker have been together all the time', () => {
    const handed: Entry = ['recv', 0, 110]
    const late: Entry = ['settled', 0, 120, { flags: 0x80 }]
    const stopped: History = { events: [['worker 0.0', 'STOP', 112]] }
    expect(of(one, worker(handed, late))).toMatchObject({ late: 1, lateUnfounded: 1 })
    expect(of(one, worker(handed, late), stopped)).toMatchObject({ late: 1, lateUnfounded: 0 })
    const before: History = { events: [...(stopped.events ?? []), ['worker 0.0', 'CONT', 113]] }
    const again: Entry = ['recv', 0, 114]
    expect(of(one, worker(handed, again, late), before)).toMatchObject({ lateUnfounded: 1 })
    expect(of(one, worker(late), before)).toMatchObject({ lateUnfounded: 0 })
  })

  test('left though acknowledged: every copy, for certain, and nothing made the broker forget', () => {
    const acked = (...flags: number[]) =>
      worker(...done(0), ...flags.map((one): Entry => ['settled', 0, 120, { flags: one }]))
    const ofLeft = (...histories: History[]) => of(left, ...histories).leftAcked
    const forgetful: History = { terms: { forgetsAcks: ['broker-crash'] } }
    const down = (how: string): History => ({ events: [[`broker ${how}`, 'BROKER_DOWN', 130]] })
    expect(ofLeft(one, acked(0))).toBe(1)
    expect([ofLeft(one, acked(0x80)), ofLeft(one, acked(1)), ofLeft(one, acked())]).toEqual([
      0, 0, 0,
    ])
    expect(ofLeft(one, acked(0), { terms: { isSettleConfirmed: false } })).toBe(0)
    const twice = producer(...sent(0), ...sent(0, 120))
    expect([ofLeft(twice, acked(0)), ofLeft(twice, acked(0, 0))]).toEqual([0, 1])
    expect(ofLeft(one, acked(0), forgetful, down('crash'))).toBe(0)
    expect(ofLeft(one, acked(0), forgetful, down('stop'))).toBe(1)
    expect(ofLeft(one, acked(0), down('crash'))).toBe(1)
    expect(of(one, acked(0)).leftAcked).toBe(0)
  })

  test('settled by two owners: acknowledged more often than stored, for certain', () => {
    const acked = (...flags: number[]) =>
      worker(...done(0), ...flags.map((one): Entry => ['settled', 0, 120, { flags: one }]))
    const beyond = (...histories: History[]) => of(one, ...histories).ackedBeyond
    expect([beyond(acked(0)), beyond(acked(0, 0)), beyond(acked(0, 0x80))]).toEqual([0, 1, 0])
    expect(beyond(acked(0, 0), { terms: { isSettleConfirmed: false } })).toBe(0)
    const forgetful: History = { terms: { forgetsAcks: ['broker-crash'] } }
    const crash: History = { events: [['broker crash', 'BROKER_DOWN', 130]] }
    expect([beyond(acked(0, 0), crash), beyond(acked(0, 0), crash, forgetful)]).toEqual([1, 0])
    const twice = producer(...sent(0), ...sent(0, 120))
    expect([of(twice, acked(0, 0)).ackedBeyond, of(twice, acked(0, 0, 0)).ackedBeyond]).toEqual([
      0, 1,
    ])
    const places = worker(
      ...[7n, 8n].map((position): Entry => ['recv', 0, 111, { position }]),
      ...[0, 0].map((flags): Entry => ['settled', 0, 120, { flags }]),
    )
    expect(of(one, places)).toMatchObject({ storedTwice: 1, ackedBeyond: 0 })
  })

  test('a handler that gives up has not failed', () => {
    const letter: History = { ledgers: { 'deadReader 0.0': [['dead', 0, 200, { count: 2 }]] } }
    const tries = (flags: number) =>
      worker(
        ...[110, 120].flatMap((ms): Entry[] => [
          ['recv', 0, ms],
          ['throw', 0, ms, { flags: ms === 110 ? 3 : flags }],
        ]),
      )
    expect(of(one, letter, tries(3)).deadUnfounded).toBe(0)
    expect(of(one, letter, tries(0x83)).deadUnfounded).toBe(1)
  })

  test('effectNotOne: settled, not dead, and not done exactly once', () => {
    expect(of(one, worker(...done(0)))).toMatchObject({ effectNotOne: 0 })
    expect(of(one, worker(...done(0), ...done(0, 120)))).toMatchObject({ effectNotOne: 1 })
    expect(of(one, left)).toMatchObject({ effectNotOne: 1 })
    expect(of(one, dead)).toMatchObject({ effectNotOne: 0 })
    expect(of(one)).toMatchObject({ effectNotOne: 0 })
  })
})

describe('lost', () => {
  test('by the broker, if nobody was handed it; else by a worker', () => {
    expect(accountOf(one).lost).toMatchObject({ total: 1, broker: 1, worker: 0 })
    const handed = together(one, worker(['recv', 0, 110]))
    expect(accountOf(handed).lost).toMatchObject({ total: 1, broker: 0, worker: 1 })
  })

  test.for<[string, History, number]>([
    ['0 receivers', producer(['invoke', 0, 100], ['ok', 0, 101, { count: 0 }]), 1],
    ['1 receiver', producer(['invoke', 0, 100], ['ok', 0, 101, { count: 1 }]), 0],
    ['0 receivers of one of two', producer(...sent(0), ['invoke', 0, 110], ['ok', 0, 111]), 1],
    ['no worker', { ledgers: { 'relay 0.0': [['noWorker', 0, 102]] } }, 1],
    ['no worker for another', { ledgers: { 'relay 0.0': [['noWorker', 1, 102]] } }, 0],
    ['an error', worker(['error', 0, 110]), 1],
    ['only thrown', worker(['throw', 0, 110]), 0],
  ])('reported: %s', ([, history, reported]) => {
    const { lost } = accountOf(together(one, history))
    expect(lost).toMatchObject({ total: 1, reported, silent: 1 - reported })
  })

  test('an error in another group reports nothing here', () => {
    const ledgers = { 'worker 0.0 of a': [['error', 0, 110]], 'worker 1.0 of b': [] } as const
    const reported = accountsOf(together(one, { ledgers })).map(({ lost }) => lost.reported)
    expect(reported).toEqual([1, 0])
  })

  test.for([
    ['xxoxoxxox', { prefix: 2, middle: 3, postfix: 1, bursts: 4, longestBurst: 2 }],
    ['xxx', { prefix: 3, middle: 0, postfix: 0, bursts: 1, longestBurst: 3 }],
    ['oxxx', { prefix: 0, middle: 0, postfix: 3, bursts: 1, longestBurst: 3 }],
    ['ooo', { prefix: 0, middle: 0, postfix: 0, bursts: 0, longestBurst: 0 }],
    // What failed is not among the acknowledged ones, but divides a burst.
    ['-xo-x-x-o', { prefix: 1, middle: 2, postfix: 0, bursts: 3, longestBurst: 1 }],
  ] as const)('shape of %s', ([fates, shape]) => {
    const sends = [...fates].flatMap((fate, at): Entry[] =>
      fate === '-'
        ? [
            ['invoke', at, 100],
            ['fail', at, 100],
          ]
        : sent(at),
    )
    const kept = [...fates].flatMap((fate, at) => (fate === 'o' ? done(at) : []))
    expect(accountOf(together(producer(...sends), worker(...kept))).lost).toMatchObject(shape)
  })

  test('each start of a producer has its own shape and bursts', () => {
    const ledgers = {
      'producer 0.1': sent(2).map(([type, m, ms]): Entry => [type, m, ms, { incarnation: 1 }]),
    }
    const { lost } = accountOf(together(many(2), { ledgers }, worker(...done(0))))
    expect(lost).toMatchObject({ prefix: 1, postfix: 1, bursts: 2, longestBurst: 1 })
  })

  test('the sample is the first 32', () => {
    const { lost } = accountOf(many(40))
    expect(lost).toMatchObject({ total: 40, longestBurst: 40 })
    expect(lost.sample.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 32 }, (_, at) => at),
    )
  })
})

describe('overlap', () => {
  const at = (sequence: number, fromMs: number, toMs: number): Entry[] => [
    ['recv', sequence, fromMs],
    ['done', sequence, toMs],
  ]
  const of = (...histories: History[]) => accountOf(together(one, ...histories)).overlap

  test('two workers at one time, the ends included', () => {
    expect(of(worker(...at(0, 110, 115)), other(...at(0, 115, 120)))).toBe(1)
    expect(of(worker(...at(0, 110, 114)), other(...at(0, 115, 120)))).toBe(0)
  })

  test('two starts of one worker are two', () => {
    expect(of(worker(...at(0, 110, 115)), { ledgers: { 'worker 0.1': at(0, 112, 120) } })).toBe(1)
  })

  test('one worker is not two', () => {
    expect(of(worker(...at(0, 110, 115), ...at(0, 115, 120)))).toBe(0)
  })

  test('only what both have done', () => {
    const thrown: Entry[] = [
      ['recv', 0, 110],
      ['throw', 0, 114],
      ['done', 0, 120],
    ]
    expect(of(worker(...thrown), other(...at(0, 112, 116)))).toBe(0)
  })

  test('a second RECV leaves the first hand open', () => {
    const twice: Entry[] = [['recv', 0, 110], ...at(0, 118, 120)]
    expect(of(worker(...twice), other(...at(0, 112, 116)))).toBe(0)
  })

  test('a message counts once', () => {
    const third: History = {
      ledgers: { 'worker 2.0': at(0, 110, 120), 'worker 3.0': at(0, 130, 140) },
    }
    expect(of(worker(...at(0, 110, 115)), other(...at(0, 112, 120)), third)).toBe(1)
  })
})

test.for<[string, Entry[], Entry[], number]>([
  [
    'by the broker',
    [
      ['ok', 0, 101, { position: 1n }],
      ['ok', 0, 102, { position: 2n }],
    ],
    [],
    1,
  ],
  [
    'by broker and worker',
    [['ok', 0, 101, { position: 1n }]],
    [['recv', 0, 110, { position: 2n }]],
    1,
  ],
  ['at one position', [['ok', 0, 101, { position: 1n }]], [['recv', 0, 110, { position: 1n }]], 0],
  ['0 is no position', [['ok', 0, 101]], [['recv', 0, 110, { position: 2n }]], 0],
  ['other records', [['ok', 0, 101, { position: 1n }]], [['done', 0, 110, { position: 2n }]], 0],
])('storedTwice: %s', ([, oks, entries, expected]) => {
  const sends = producer(['invoke', 0, 100, { position: 9n }], ['invoke', 0, 100], ...oks)
  expect(accountOf(together(sends, worker(...entries))).storedTwice).toBe(expected)
})
