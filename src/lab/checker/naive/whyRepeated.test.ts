import { describe, expect, test } from 'vitest'
import type { Cause, Terms } from '../../terms.ts'
import {
  accountOf,
  at,
  type BothWays,
  down,
  type Entry,
  type History,
  sent,
  together,
  worker,
} from './smallHistory.ts'

const received: Entry = ['recv', 0, 110]
/** One message, handed to worker 0.0 at 110, and to worker 1.0 at 120, which does it. Guard 2. */
const base: History = {
  ledgers: {
    'producer 0.0': sent(0),
    'worker 0.0': [received],
    'worker 1.0': [
      ['recv', 0, 120],
      ['done', 0, 121],
    ],
  },
}

/** What worker 1.0 has written before. */
const other = (...entries: Entry[]): History => ({
  ledgers: { 'worker 1.0': [...entries, ['recv', 0, 120], ['done', 0, 121]] },
})
const settled = (flags: number, atMs = 115): Entry => ['settled', 0, atMs, { flags }]
const acked = worker(received, settled(0))
const attempts = (count: number): History => ({
  ledgers: { 'producer 0.0': Array.from({ length: count }, () => sent(0)).flat() },
})
const lease = (leaseMs: number): History => ({ terms: { leaseMs } })
/** The event loop stood still until `atMs`. */
const stood = (atMs: number, ms: number): Entry => [
  'stall',
  null,
  atMs,
  { position: BigInt(ms) * 1_000_000n },
]
const gaveUp: Entry = ['throw', 0, 115, { flags: 0x80 }]
const lost = (atMs: number): Entry => ['lost', 0, atMs]
const stalled = worker(received, stood(118, 7), lost(118))
const leased = [lease(12), stalled]
const apart = [lease(12), worker(received, lost(118))]
/** Worker 3 is stopped from 105 to 120 with the lock of the store; worker 2 writes meanwhile. */
const storeStopped = (...entries: Entry[]): History[] => [
  ...apart,
  { ledgers: { 'worker 2.0': entries }, terms: { isStoreShared: true, leaseMs: 12 } },
  at('STOP', 105, 105, 'worker 3.0'),
  at('CONT', 120, 120, 'worker 3.0'),
]
const connected: History = { terms: { isOwnedByConnection: true } }
/** The second delivery is written down at 110, and the first one, or one of that number, at 120. */
const overtaken = (entries: Entry[], count = 1): History => ({
  ledgers: {
    'worker 0.0': [['recv', 0, 110, { count: 2 }]],
    'worker 1.0': [...entries, ['recv', 0, 120, { count }], ['done', 0, 121]],
  },
})
const nothingInHand: History = { terms: { inHandMax: 0 } }
const sentOnly: History = { terms: { isSettleConfirmed: false } }
const forgets = (...forgetsAcks: Terms['forgetsAcks']): History => ({
  terms: { forgetsAcks },
})

const toldLater: History = {
  terms: { isSettleConfirmed: false, forgetsAcks: ['worker-killed'] },
}

const leasedAndToldLater: History = {
  terms: { isSettleConfirmed: false, forgetsAcks: ['worker-killed'], leaseMs: 12 },
}

const cases: Readonly<Partial<Record<Cause, readonly BothWays[]>>> = {
  retry: [
    ['until the next', worker(received, ['throw', 0, 120]), worker(received, ['throw', 0, 121])],
    ['from this one', worker(received, ['throw', 0, 110]), worker(['throw', 0, 109], received)],
    ['the same worker', worker(received, ['throw', 0, 115]), other(['throw', 0, 115])],
    ['the same message', worker(received, ['throw', 0, 115]), worker(received, ['throw', 1, 115])],
    ['failed', worker(received, ['throw', 0, 115]), worker(received, gaveUp)],
    [
      'not acked',
      worker(received, ['throw', 0, 115]),
      worker(received, ['throw', 0, 115], settled(0)),
    ],
  ],
  released: [
    ['until the next', worker(received, settled(3, 120)), worker(received, settled(3, 121))],
    ['from this one', worker(received, settled(3, 110)), worker(settled(3, 109), received)],
    ['late or not', worker(received, settled(0x83)), worker(received, settled(0x82))],
    ['the same worker', worker(received, settled(3)), other(settled(3))],
  ],
  'worker-killed': [
    ['until the next', at('KILL', 120, 130), at('KILL', 121, 130)],
    ['from this one', at('EXIT', 100, 110), at('EXIT', 100, 109)],
    ['the same worker', at('KILL', 115), at('KILL', 115, 115, 'worker 1.0')],
    ['the same start', at('KILL', 115), at('KILL', 115, 115, 'worker 0.1')],
    ['killed', at('KILL', 115), at('LEAVE', 115)],
    ['with room', at('KILL', 115), [at('KILL', 115), nothingInHand]],
    [
      'acked, where that is told later',
      [at('KILL', 115), acked, toldLater, nothingInHand],
      [at('KILL', 115), acked, sentOnly, nothingInHand],
    ],
    [
      'acked by itself, where that is told later',
      [at('KILL', 115), acked, toldLater, nothingInHand],
      [at('KILL', 115), other(settled(0)), toldLater, nothingInHand],
    ],
    [
      'ended, where that is told later',
      [at('KILL', 115), acked, toldLater, nothingInHand],
      [at('LEAVE', 115), acked, toldLater, nothingInHand],
    ],
    ['not acked', at('KILL', 115), [at('KILL', 115), acked]],
    [
      'acked after',
      [at('KILL', 115), worker(received, settled(0, 121))],
      [at('KILL', 115), worker(received, settled(0, 120))],
    ],
    [
      'acked before',
      [at('KILL', 115), worker(settled(0, 109), received)],
      [at('KILL', 115), worker(received, settled(0, 110))],
    ],
    ['acked late', [at('KILL', 115), worker(received, settled(0x80))], [at('KILL', 115), acked]],
    [
      'settled otherwise',
      [at('KILL', 115), worker(received, settled(2))],
      [at('KILL', 115), acked],
    ],
    ['acked by another', [at('KILL', 115), other(settled(0))], [at('KILL', 115), acked]],
    ['acked, not confirmed', [at('KILL', 115), acked, sentOnly], [at('KILL', 115), acked]],
  ],
  'worker-stopped': [
    ['until the next', at('STOP', 120, 130), at('STOP', 121, 130)],
    ['from this one', at('STOP', 100, 110), [at('STOP', 100, 109), at('CONT', 115)]],
    ['the same worker', at('STOP', 115), at('STOP', 115, 115, 'worker 1.0')],
    ['with room', at('STOP', 115), [at('STOP', 115), nothingInHand]],
  ],
  'cut-off': [
    [
      'until soon after the next',
      worker(received, ['cut', null, 122]),
      worker(received, ['cut', null, 123]),
    ],
    ['from this one', worker(received, ['cut', null, 110]), worker(['cut', null, 109], received)],
    ['the same worker', worker(received, ['cut', null, 115]), other(['cut', null, 115])],
    [
      'while it stood still, where its connection made the message its own',
      [connected, worker(received, stood(140, 18), ['cut', null, 142])],
      [connected, worker(received, stood(140, 17), ['cut', null, 142])],
    ],
    [
      'noted as soon as it moved again',
      [connected, worker(received, stood(140, 30), ['cut', null, 142])],
      [connected, worker(received, stood(140, 30), ['cut', null, 143])],
    ],
    [
      'noted as it moved again',
      [connected, worker(received, ['cut', null, 140], stood(140, 30))],
      [connected, worker(received, ['cut', null, 109], stood(140, 30))],
    ],
    [
      'and not a lease',
      [connected, worker(received, stood(140, 30), ['cut', null, 142])],
      worker(received, stood(140, 30), ['cut', null, 142]),
    ],
    [
      'before it could write that it was handed the message first',
      [connected, overtaken([stood(118, 8), ['cut', null, 118]])],
      [connected, overtaken([stood(118, 7), ['cut', null, 118]])],
    ],
    [
      'and not for long when it wrote so',
      [connected, overtaken([stood(117, 8), ['cut', null, 118]])],
      [connected, overtaken([stood(117, 8), ['cut', null, 117]])],
    ],
    [
      'with the lower number of the two',
      [connected, overtaken([stood(118, 8), ['cut', null, 118]])],
      [connected, overtaken([stood(118, 8), ['cut', null, 118]], 3)],
    ],
  ],
  network: [
    ['until the next', at('NET_ON', 120, 130), at('NET_ON', 121, 130)],
    [
      'from this one',
      [at('NET_ON', 100), at('NET_OFF', 105, 110)],
      [at('NET_ON', 100), at('NET_OFF', 105, 109)],
    ],
    ['for ever', at('NET_ON', 100), at('NET_OFF', 100)],
    ['the same worker', at('NET_ON', 115), at('NET_ON', 115, 115, 'worker 1.0')],
  ],
  rebalance: [
    [
      'until soon after the next',
      worker(received, ['revoke', null, 122]),
      worker(received, ['revoke', null, 123]),
    ],
    [
      'from this one',
      worker(received, ['revoke', null, 110]),
      worker(['revoke', null, 109], received),
    ],
    ['the same worker', worker(received, ['revoke', null, 115]), other(['revoke', null, 115])],
    ['revoked', worker(received, ['revoke', null, 115]), worker(received, ['assign', null, 115])],
  ],
  'broker-stop': [
    ['until the next', down('stop', 120, 130), down('stop', 121, 130)],
    ['from this one', down('stop', 100, 110), down('stop', 100, 109)],
    ['a stop', down('stop', 115), down('crash', 115)],
    [
      'forgets acks',
      [down('stop', 115), acked, forgets('broker-stop')],
      [down('stop', 115), acked, forgets('broker-crash')],
    ],
  ],
  'broker-crash': [
    ['until the next', down('crash', 120, 130), down('crash', 121, 130)],
    ['a crash', down('crash', 115), down('stop', 115)],
    [
      'forgets acks',
      [down('crash', 115), acked, forgets('broker-crash')],
      [down('crash', 115), acked],
    ],
    [
      'forgets acks, and was down',
      [down('crash', 115), acked, forgets('broker-crash')],
      [down('crash', 121), acked, forgets('broker-crash')],
    ],
  ],
  'lease-expired': [
    ['as long as the lease less the guard', leased, [lease(13), stalled]],
    ['with leases', [lease(1), stalled], [lease(0), stalled]],
    ['not acked', leased, [lease(12), worker(received, stood(118, 7), settled(0), lost(118))]],
    [
      'acked, where that is told later',
      [leasedAndToldLater, worker(received, settled(0), stood(118, 7))],
      [leasedAndToldLater, worker(received, settled(0), stood(109, 7))],
    ],
    [
      'told later',
      [leasedAndToldLater, worker(received, settled(0), stood(118, 7))],
      [
        { terms: { isSettleConfirmed: false, leaseMs: 12 } },
        worker(received, settled(0), stood(118, 7)),
      ],
    ],
    ['told, if late', [lease(12), worker(received, stood(140, 30), settled(0x80, 140))], lease(12)],
    ['told of this delivery', leased, [lease(12), worker(stood(110, 7), lost(110), received)]],
    ['told by the same worker', leased, [lease(12), other(stood(118, 7), lost(118))]],
    [
      'half of the lease without a move',
      [lease(12), worker(received, stood(115, 3), stood(118, 3), lost(118))],
      [lease(12), worker(received, stood(115, 2), stood(118, 3), lost(118))],
    ],
    [
      'without a move meanwhile',
      [lease(12), worker(stood(110, 7), received, lost(118))],
      [lease(12), worker(stood(109, 7), received, lost(118))],
    ],
    ['stopped', [...apart, at('STOP', 105, 105), at('CONT', 110)], [...apart, at('STOP', 121)]],
    [
      'the same worker stopped',
      [...apart, at('STOP', 105)],
      [...apart, at('STOP', 105, 105, 'worker 1.0')],
    ],
    [
      'another stopped, who may have the lock of a store that all share',
      [
        ...apart,
        at('STOP', 105, 105, 'worker 1.0'),
        { terms: { isStoreShared: true, leaseMs: 12 } },
      ],
      [...apart, at('STOP', 105, 105, 'worker 1.0')],
    ],
    ...(
      [
        ['nobody writes meanwhile', ['settled', 1, 115], ['done', 1, 115]],
        ['nobody stores meanwhile', ['ok', 1, 115], ['invoke', 1, 115]],
        ['but for just after it', ['settled', 1, 108], ['settled', 1, 107]],
        ['but for just before its end', ['settled', 1, 117], ['settled', 1, 118]],
      ] as const
    ).map(
      ([what, written, not]): BothWays => [
        `another stopped, and ${what}`,
        storeStopped([...not]),
        storeStopped([...written]),
      ],
    ),
    [
      'off the net',
      [...apart, at('NET_ON', 105), at('NET_OFF', 110)],
      [...apart, at('NET_ON', 105), at('NET_OFF', 109)],
    ],
    [
      'cut off',
      [lease(12), worker(['cut', null, 105], ['back', null, 110], received, lost(118))],
      [lease(12), worker(['cut', null, 105], ['back', null, 109], received, lost(118))],
    ],
    [
      'without a broker',
      [...apart, down('crash', 105), at('BROKER_UP', 110, 110, 'broker')],
      [...apart, down('crash', 105), at('BROKER_UP', 109, 109, 'broker')],
    ],
  ],
  'producer-retry': [
    ['sent twice', attempts(2), attempts(1)],
    ['sent twice, though acked', [attempts(2), acked], acked],
  ],
}

for (const [cause, rows] of Object.entries(cases)) {
  test.for(rows)(`${cause}: %s`, ([, explains, not]) => {
    const terms = { terms: { mayRepeat: [cause as Cause] } }
    const redelivered = (history: History | History[]) =>
      accountOf(together(base, ...[history].flat(), terms)).redelivered
    expect(redelivered(explains)).toMatchObject({
      total: 1,
      byCause: { [cause]: 1 },
      unexplained: 0,
    })
    expect(redelivered(not).total).toBe(1)
    expect(redelivered(not).byCause).not.toHaveProperty(cause)
  })
}

test('without a cause it is unexplained', () => {
  expect(accountOf(base).redelivered).toMatchObject({ total: 1, byCause: {}, unexplained: 1 })
})

/** Everything that can be the cause at once. */
const everything = together(
  base,
  worker(
    ...[received, ['throw', 0, 111] as const, settled(3), ['cut', null, 116] as const],
    ...[['revoke', null, 116] as const, lost(118)],
  ),
  at('KILL', 111),
  at('STOP', 112),
  at('NET_ON', 113),
  down('stop', 114),
  down('crash', 115),
  lease(5),
  attempts(2),
)
const preference: readonly Cause[] = [
  ...(['retry', 'released', 'worker-killed', 'worker-stopped', 'cut-off', 'network'] as const),
  ...(['rebalance', 'broker-stop', 'broker-crash', 'lease-expired', 'producer-retry'] as const),
]

test.for(preference.map((cause, at) => [cause, preference.slice(at)] as const))(
  '%s comes before all that follow it',
  ([cause, mayRepeat]) => {
    const may = { terms: { mayRepeat: mayRepeat.toReversed() } }
    const { redelivered } = accountOf(together(everything, may))
    expect(redelivered.byCause).toEqual({ [cause]: 1 })
  },
)

test('of causes that are all illegal, the first is named', () => {
  const { redelivered } = accountOf(together(everything, { terms: { mayRepeat: [] } }))
  expect(redelivered.byCause).toEqual({ retry: 1 })
})

test('a producer that sent twice explains one more delivery, not two', () => {
  const thrice = together(base, attempts(2), other(['recv', 0, 112]))
  const { redelivered } = accountOf(thrice)
  expect(redelivered).toMatchObject({ total: 2, byCause: { 'producer-retry': 1 }, unexplained: 1 })
})

test('a second attempt is kept for a repeat that has no other cause', () => {
  const thrown = worker(received, ['throw', 0, 111])
  const { redelivered } = accountOf(together(base, attempts(2), thrown, other(['recv', 0, 112])))
  expect(redelivered.byCause).toEqual({ retry: 1, 'producer-retry': 1 })
})

test('of deliveries at one time, the ledger that stands first comes first', () => {
  const same = (...names: string[]) =>
    together(
      { ledgers: { 'producer 0.0': sent(0) } },
      ...names.map((name): History => ({ ledgers: { [name]: [received] } })),
      at('KILL', 110),
    )
  const first = accountOf(same('worker 0.0', 'worker 1.0')).redelivered
  const last = accountOf(same('worker 1.0', 'worker 0.0')).redelivered
  expect([first.byCause, last.byCause]).toEqual([{ 'worker-killed': 1 }, {}])
})

describe('an effect again', () => {
  const killed = at('KILL', 115)
  const reprocessed = (...histories: History[]) =>
    accountOf(together(base, killed, ...histories)).reprocessed

  test('has the cause of its delivery', () => {
    const found = reprocessed(worker(received, ['done', 0, 111]))
    expect(found).toMatchObject({ total: 1, byCause: { 'worker-killed': 1 }, unexplained: 0 })
  })

  test('of the first delivery is unexplained', () => {
    const found = reprocessed(worker(received, ['done', 0, 111], ['done', 0, 112]), other())
    expect(found).toMatchObject({ total: 2, byCause: { 'worker-killed': 1 }, unexplained: 1 })
  })

  test('a second time by one delivery is unexplained, whatever explains the delivery', () => {
    const found = reprocessed(
      worker(received, ['done', 0, 111]),
      other(['recv', 0, 120], ['done', 0, 121], ['done', 0, 122]),
    )
    expect(found).toMatchObject({ total: 3, byCause: { 'worker-killed': 1 }, unexplained: 2 })
  })

  test('after a failure of the same delivery is unexplained', () => {
    const found = reprocessed(worker(received, ['done', 0, 111]), {
      ledgers: {
        'worker 1.0': [
          ['recv', 0, 120],
          ['throw', 0, 120],
          ['done', 0, 121],
        ],
      },
    })
    expect(found).toMatchObject({ total: 1, byCause: {}, unexplained: 1 })
  })

  test('of two deliveries in one hand is one of each', () => {
    const both = { ledgers: { 'producer 0.0': [...sent(0), ...sent(0, 105)] } }
    const found = accountOf(
      together(
        { ledgers: {} },
        both,
        worker(received, ['recv', 0, 111], ['done', 0, 112], ['done', 0, 113]),
      ),
    )
    expect(found.reprocessed).toMatchObject({
      total: 1,
      byCause: { 'producer-retry': 1 },
      unexplained: 0,
    })
  })

  test('of the first delivery after that of the second has the cause of the second', () => {
    const found = reprocessed(worker(received, ['done', 0, 130]))
    expect(found).toMatchObject({ total: 1, byCause: { 'worker-killed': 1 }, unexplained: 0 })
  })

  test('without a delivery is unexplained, whatever came before', () => {
    const found = reprocessed({ ledgers: { 'worker 2.0': [['done', 0, 130]] } })
    expect(found).toMatchObject({ total: 1, byCause: {}, unexplained: 1 })
  })

  test('after one without a delivery has its own cause', () => {
    const found = reprocessed({ ledgers: { 'worker 2.0': [['done', 0, 105]] } })
    expect(found).toMatchObject({ total: 1, byCause: { 'worker-killed': 1 }, unexplained: 0 })
  })

  test('belongs to the latest delivery of its worker', () => {
    const ledgers: History['ledgers'] = {
      'producer 0.0': sent(0),
      'worker 0.0': [received, ['recv', 0, 120], ['done', 0, 121]],
      'worker 1.0': [
        ['recv', 0, 115],
        ['done', 0, 116],
      ],
    }
    const stopped = at('STOP', 112)
    const found = accountOf(together({ ledgers }, stopped, at('KILL', 117, 117, 'worker 1.0')))
    expect(found.redelivered.byCause).toEqual({ 'worker-stopped': 1, 'worker-killed': 1 })
    expect(found.reprocessed.byCause).toEqual({ 'worker-killed': 1 })
  })

  test('of a delivery that nothing explains is unexplained', () => {
    const found = accountOf(together(base, worker(received, ['done', 0, 111]))).reprocessed
    expect(found).toMatchObject({ total: 1, byCause: {}, unexplained: 1 })
  })
})
