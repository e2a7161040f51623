import { expect, test } from 'vitest'
import { gapReasons, missedUnknown } from '../../evidence/record.ts'
import type { Cause } from '../../terms.ts'
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

/** One message, sent at 100 and ok at 104, while worker 0.0 is live; nobody has it. Guard 2, reclaim 5. */
const base: History = {
  ledgers: { 'producer 0.0': sent(0), 'worker 0.0': [] },
  events: [['worker 0.0', 'SUBSCRIBED', 0]],
}

const other = (...entries: Entry[]): History => ({ ledgers: { 'worker 1.0': entries } })
const relay = (...entries: Entry[]): History => ({ ledgers: { 'relay 0.0': entries } })
const nextRelay = (...entries: Entry[]): History => ({ ledgers: { 'relay 0.1': entries } })
const told = (...counts: number[]): History => ({
  ledgers: {
    'producer 0.0': counts.flatMap((count): Entry[] => [
      ['invoke', 0, 100],
      ['ok', 0, 104, { count }],
    ]),
  },
})

const atMostOnce: History = { terms: { delivery: 'at-most-once' } }
const nothingInHand: History = { terms: { inHandMax: 0 } }
const window: History = { terms: { lossWindowMs: 5 } }

const received: Entry = ['recv', 0, 110]
const thrown: Entry = ['throw', 0, 111]
const erred: Entry = ['error', 0, 111]
const [overflow, reconnect] = [gapReasons.indexOf('overflow'), gapReasons.indexOf('reconnect')]
const dropped = (ms: number, count = 1, flags = overflow): Entry => [
  'gap',
  null,
  ms,
  { count, flags },
]
const gap = (...of: Parameters<typeof dropped>) => worker(dropped(...of))
const producer = (...entries: Entry[]): History => ({ ledgers: { 'producer 0.0': entries } })
const taken: Entry = ['taken', 0, 101]
const to = (actor: number, incarnation: number) => ({ actor, count: incarnation })
const routed: Entry = ['routed', 0, 110, to(0, 0)]
const afar: Entry = ['routed', 0, 110, to(7, 1)]

const cases: Readonly<Partial<Record<Cause, readonly BothWays[]>>> = {
  'handler-failed': [
    [
      'at most once',
      [worker(received, thrown, erred), atMostOnce],
      worker(received, thrown, erred),
    ],
    [
      'an error',
      [worker(received, thrown, erred), atMostOnce],
      [worker(received, thrown), atMostOnce],
    ],
    [
      'a throw',
      [worker(received, thrown, erred), atMostOnce],
      [worker(received, erred), atMostOnce],
    ],
  ],
  'no-worker': [
    ['said by a relay', relay(taken, ['noWorker', 0, 101]), relay(taken, ['noWorker', 1, 101])],
    ['no receivers', told(0), told(1)],
    ['no receivers of one of two', told(1, 0), told(1, 1)],
    [
      'killed at once',
      [at('LEAVE', 9), at('SUBSCRIBED', 10), at('KILL', 10)],
      [at('LEAVE', 9), at('SUBSCRIBED', 10)],
    ],
    ['left before', at('LEAVE', 101), at('LEAVE', 102)],
    ['killed before', at('KILL', 101), at('STOP', 101)],
    ['exited before', at('EXIT', 101), at('SPAWN', 101)],
    ['off the net before', at('NET_ON', 101), at('NET_ON', 102)],
    ['broker down before', down('stop', 101), down('stop', 102)],
    ['a span ends it at its start', at('LEAVE', 101, 200), at('LEAVE', 102, 200)],
    [
      'on the net too late',
      [at('NET_ON', 9), at('NET_OFF', 10, 103)],
      [at('NET_ON', 9), at('NET_OFF', 10, 102)],
    ],
    [
      'subscribed too late',
      [at('LEAVE', 9), at('SUBSCRIBED', 10, 103)],
      [at('LEAVE', 9), at('SUBSCRIBED', 10, 102)],
    ],
    [
      'the broker is back, the worker is not',
      [down('stop', 9), at('BROKER_UP', 10)],
      [down('stop', 9), at('SUBSCRIBED', 11)],
    ],
    [
      'back on the net, dead',
      [at('NET_ON', 8), at('KILL', 9), at('NET_OFF', 10)],
      [at('NET_ON', 8), at('NET_OFF', 10)],
    ],
    [
      'back on the net, cut off by the broker',
      [down('crash', 9), at('NET_OFF', 10)],
      at('NET_OFF', 10),
    ],
    ['cut off before', worker(['cut', null, 101]), worker(['cut', null, 102])],
    [
      'back too late',
      worker(['cut', null, 9], ['back', null, 103]),
      worker(['cut', null, 9], ['back', null, 102]),
    ],
    [
      'the broker and the worker are back too late',
      [down('stop', 9), worker(['cut', null, 9], ['back', null, 103])],
      [down('stop', 9), worker(['cut', null, 9], ['back', null, 102])],
    ],
    [
      'only another start is live',
      [at('LEAVE', 9), at('SUBSCRIBED', 10, 10, 'worker 1.0')],
      [other(), at('LEAVE', 9), at('SUBSCRIBED', 10, 10, 'worker 1.0')],
    ],
    [
      'live for less than two guards',
      [at('LEAVE', 9), at('SUBSCRIBED', 100), at('LEAVE', 103)],
      [at('LEAVE', 9), at('SUBSCRIBED', 100), at('LEAVE', 104)],
    ],
  ],
  overflow: [
    ['told after the send', gap(100), gap(99)],
    ['for as many as it says', gap(120, 1), gap(120, 0)],
    ['not known how many', gap(120, missedUnknown), gap(120, missedUnknown, reconnect)],
    [
      'nothing much newer was handed out before',
      [
        producer(...sent(0), ...sent(1, 106)),
        worker(['recv', 1, 108], ['done', 1, 108], dropped(120)),
      ],
      [
        producer(...sent(0), ...sent(1, 107)),
        worker(['recv', 1, 108], ['done', 1, 108], dropped(120)),
      ],
    ],
    [
      'when it was routed, nothing much newer was handed out before',
      [
        producer(...sent(0), ...sent(1, 112)),
        relay(taken, routed),
        worker(['recv', 1, 113], ['done', 1, 113], dropped(120)),
      ],
      [
        producer(...sent(0), ...sent(1, 113)),
        relay(taken, routed),
        worker(['recv', 1, 113], ['done', 1, 113], dropped(120)),
      ],
    ],
    [
      'who was chosen',
      [relay(taken, routed), worker(dropped(120))],
      [relay(taken, routed), other(dropped(120)), at('SUBSCRIBED', 0, 0, 'worker 1.0')],
    ],
    ['who was not handed it', worker(dropped(120)), worker(received, thrown, dropped(120))],
    [
      'anybody who had subscribed',
      [other(dropped(120)), at('SUBSCRIBED', 106, 106, 'worker 1.0')],
      [other(dropped(120)), at('SUBSCRIBED', 107, 107, 'worker 1.0')],
    ],
    [
      'a subscriber',
      [other(dropped(120)), at('SUBSCRIBED', 0, 0, 'worker 1.0')],
      other(dropped(120)),
    ],
  ],
  'worker-killed': [
    ['in hand', [worker(received), at('KILL', 108, 110)], [worker(received), at('KILL', 108, 109)]],
    [
      'done by nobody, or thrown and not told of',
      [worker(received, thrown), at('EXIT', 120)],
      [worker(received, thrown, erred), at('EXIT', 120)],
    ],
    [
      'told of, but not of that failure',
      [worker(received, erred, thrown), at('EXIT', 120)],
      [worker(received, thrown, ['settled', 0, 111, { flags: 1 }]), at('EXIT', 120)],
    ],
    [
      'told of by its worker',
      [worker(received, thrown), other(erred), at('EXIT', 120)],
      [worker(received, thrown, erred), other(erred), at('EXIT', 120)],
    ],
    [
      'killed, not told to leave',
      [worker(received), at('KILL', 120)],
      [worker(received), at('LEAVE', 120)],
    ],
    [
      'this start',
      [worker(received), at('KILL', 120)],
      [worker(received), at('KILL', 120, 120, 'worker 0.1')],
    ],
    [
      'in hand, with room',
      [worker(received), at('KILL', 120)],
      [worker(received), at('KILL', 120), nothingInHand],
    ],
    [
      'routed',
      [relay(taken, routed), at('KILL', 90, 103)],
      [relay(taken, routed), at('KILL', 90, 102)],
    ],
    [
      'routed after the end, without room',
      [relay(taken, routed), at('KILL', 109), nothingInHand],
      [relay(taken, routed), at('KILL', 110), nothingInHand],
    ],
    ['routed before the end', [relay(taken, routed), at('KILL', 120)], relay(taken, routed)],
    [
      'in hand, without room',
      [worker(received), at('KILL', 120)],
      [worker(received), at('KILL', 120), nothingInHand],
    ],
    [
      'rerouted',
      [relay(taken, ['rerouted', 0, 102, to(0, 0)]), at('KILL', 99)],
      [relay(taken), at('KILL', 99)],
    ],
    [
      'routed to that start',
      [relay(taken, afar), at('KILL', 120, 120, 'worker 7.1')],
      [relay(taken, afar), at('KILL', 120, 120, 'worker 7.0')],
    ],
    ['unseen, before', at('KILL', 80, 93), at('KILL', 80, 92)],
    ['unseen, after', at('KILL', 102, 120), at('KILL', 103, 120)],
    ['unseen, with room', at('KILL', 100), [at('KILL', 100), nothingInHand]],
    ['unseen by any relay', at('KILL', 100), [relay(taken), at('KILL', 100)]],
    [
      'unseen by any worker',
      [other(), at('KILL', 100)],
      [other(received, thrown), at('KILL', 100)],
    ],
    ['unseen, of the group', at('KILL', 100), at('KILL', 100, 100, 'worker 1.0')],
  ],
  'worker-stopped': [
    [
      'in hand',
      [worker(received), at('STOP', 105), at('CONT', 108, 110)],
      [worker(received), at('STOP', 105), at('CONT', 108, 109)],
    ],
    ['in hand, for ever', [worker(received), at('STOP', 105)], [worker(received), at('CONT', 105)]],
    [
      'in hand, with room',
      [worker(received), at('STOP', 105)],
      [worker(received), at('STOP', 105), nothingInHand],
    ],
    [
      'routed',
      [relay(taken, routed), at('STOP', 90), at('CONT', 91, 103)],
      [relay(taken, routed), at('STOP', 90), at('CONT', 91, 102)],
    ],
    ['unseen, before', [at('STOP', 80), at('CONT', 91, 93)], [at('STOP', 80), at('CONT', 91, 92)]],
    ['unseen, after', at('STOP', 102, 120), at('STOP', 103, 120)],
  ],
  'relay-killed': [
    [
      'taken',
      [relay(taken), at('KILL', 99, 101, 'relay 0.0')],
      [relay(taken), at('KILL', 99, 100, 'relay 0.0')],
    ],
    [
      'taken by that start',
      [relay(taken), at('EXIT', 120, 120, 'relay 0.0')],
      [relay(taken), at('EXIT', 120, 120, 'relay 0.1')],
    ],
    [
      'taken and not decided after',
      [relay(['routed', 0, 100, to(0, 0)], taken), at('KILL', 120, 120, 'relay 0.0')],
      [relay(taken, ['routed', 0, 101, to(0, 0)]), at('KILL', 120, 120, 'relay 0.0')],
    ],
    [
      'decided, and perhaps not acted on',
      [relay(taken, ['routed', 0, 118, to(0, 0)]), at('KILL', 120, 120, 'relay 0.0')],
      [relay(taken, ['routed', 0, 117, to(0, 0)]), at('KILL', 120, 120, 'relay 0.0')],
    ],
    [
      'decided, and not received',
      [relay(taken, ['routed', 0, 118, to(0, 0)]), at('KILL', 120, 120, 'relay 0.0')],
      [
        relay(taken, ['routed', 0, 118, to(0, 0)]),
        at('KILL', 120, 120, 'relay 0.0'),
        worker(['recv', 0, 121]),
      ],
    ],
    [
      'taken by two, decided by one',
      [nextRelay(taken, routed), relay(taken), at('EXIT', 120, 120, 'relay 0.0')],
      [nextRelay(taken, routed), relay(taken), at('EXIT', 80, 80, 'relay 0.0')],
    ],
    [
      'decided by another',
      [relay(taken), nextRelay(['rerouted', 0, 102, to(0, 0)]), at('KILL', 120, 120, 'relay 0.0')],
      [relay(taken, ['rerouted', 0, 102, to(0, 0)]), at('KILL', 120, 120, 'relay 0.0')],
    ],
    [
      'not taken, before the end',
      at('KILL', 106, 120, 'relay 0.0'),
      at('KILL', 107, 120, 'relay 0.0'),
    ],
    ['not taken, a relay', at('EXIT', 80, 80, 'relay 0.0'), at('EXIT', 80, 80, 'producer 0.0')],
    [
      'not taken, before the next one took over',
      [nextRelay(['taken', 1, 98]), at('KILL', 80, 80, 'relay 0.0')],
      [nextRelay(['taken', 1, 97]), at('KILL', 80, 80, 'relay 0.0')],
    ],
    [
      'nobody else took over',
      [relay(['taken', 1, 97]), at('KILL', 80, 80, 'relay 0.0')],
      [nextRelay(['taken', 1, 97]), at('KILL', 80, 80, 'relay 0.0')],
    ],
    [
      'nobody took over after',
      [nextRelay(['taken', 1, 90]), at('KILL', 80, 90, 'relay 0.0')],
      [nextRelay(['taken', 1, 90]), at('KILL', 80, 89, 'relay 0.0')],
    ],
  ],
  'cut-off': [
    ['after', worker(['cut', null, 106]), worker(['cut', null, 107])],
    [
      'before',
      worker(['cut', null, 90], ['back', null, 100]),
      worker(['cut', null, 90], ['back', null, 99]),
    ],
    [
      'who had it',
      [worker(['cut', null, 90], received, thrown), other()],
      [worker(['cut', null, 90]), other(received, thrown)],
    ],
    [
      'who was chosen',
      [worker(['cut', null, 90]), relay(taken, routed)],
      [worker(['cut', null, 90]), relay(taken, afar)],
    ],
    ['anybody', [other(['cut', null, 90])], [other(['back', null, 90])]],
    [
      'told when it was back',
      gap(100, missedUnknown, reconnect),
      gap(99, missedUnknown, reconnect),
    ],
    ['told when it was back, however many', gap(100, 0, reconnect), gap(100, 0)],
    [
      'told when it was back, and chosen',
      [relay(taken, routed), worker(dropped(120, 0, reconnect))],
      [relay(taken, afar), worker(dropped(120, 0, reconnect))],
    ],
    [
      'until it is back',
      worker(['back', null, 80], ['cut', null, 90], ['assign', null, 95], ['back', null, 100]),
      worker(['back', null, 80], ['cut', null, 90], ['assign', null, 95], ['back', null, 99]),
    ],
  ],
  network: [
    [
      'until it is back',
      [at('NET_OFF', 80), at('NET_ON', 90), at('CONT', 95), at('NET_OFF', 100)],
      [at('NET_OFF', 80), at('NET_ON', 90), at('CONT', 95), at('NET_OFF', 99)],
    ],
    ['after', at('NET_ON', 106, 120), at('NET_ON', 107, 120)],
    [
      'before',
      [at('NET_ON', 90), at('NET_OFF', 91, 100)],
      [at('NET_ON', 90), at('NET_OFF', 91, 99)],
    ],
    [
      'who had it',
      [worker(received, thrown), at('NET_ON', 90)],
      [other(received, thrown), at('NET_ON', 90)],
    ],
    [
      'who was chosen',
      [relay(taken, routed), at('NET_ON', 90)],
      [relay(taken, afar), at('NET_ON', 90)],
    ],
  ],
  'broker-stop': [
    ['after the ok', down('stop', 103, 104), down('stop', 102, 103)],
    ['a stop', down('stop', 110), down('crash', 110)],
    ['of any age', [down('stop', 500), window], [down('crash', 500), window]],
  ],
  'broker-crash': [
    ['after the ok', down('crash', 103, 104), down('crash', 102, 103)],
    ['a crash', down('crash', 110), down('stop', 110)],
    ['in the window', [down('crash', 109, 120), window], [down('crash', 110, 120), window]],
    ['of any age', down('crash', 500), [down('crash', 500), window]],
  ],
  retention: [['reached', { terms: { isRetentionReached: true } }, {}]],
}

for (const [cause, rows] of Object.entries(cases)) {
  test.for(rows)(`${cause}: %s`, ([, explains, not]) => {
    const terms = { terms: { mayLose: [cause as Cause] } }
    const lost = (history: History | History[]) =>
      accountOf(together(base, ...[history].flat(), terms)).lost
    expect(lost(explains)).toMatchObject({ total: 1, byCause: { [cause]: 1 }, unexplained: 0 })
    expect(lost(not).total).toBe(1)
    expect(lost(not).byCause).not.toHaveProperty(cause)
  })
}

test('that nobody was there is said only where nothing else happened', () => {
  const both = { terms: { mayLose: ['no-worker', 'broker-stop'] as const } }
  const by = (...histories: History[]) => accountOf(together(base, both, ...histories)).lost.byCause
  expect(by(down('stop', 101, 110))).toEqual({ 'broker-stop': 1 })
  expect(by(at('LEAVE', 50))).toEqual({ 'no-worker': 1 })
})

test('a gap explains as many as it says, the earliest those that it can', () => {
  const sends = producer(...sent(0, 100), ...sent(1, 100), ...sent(2, 110), ...sent(3, 110))
  const { lost } = accountOf(
    together(base, sends, worker(dropped(105, 2), dropped(120, 1)), {
      terms: { mayLose: ['overflow'] },
    }),
  )
  expect(lost).toMatchObject({ total: 4, byCause: { overflow: 3 }, unexplained: 1 })
})

test('what was dropped was told of by who dropped it', () => {
  expect(accountOf(together(base, gap(120))).lost).toMatchObject({
    ...{ reported: 1, silent: 0, silentByCause: {} },
  })
})

test('without a cause it is unexplained', () => {
  const { lost } = accountOf(base)
  expect(lost).toMatchObject({ total: 1, broker: 1, worker: 0, byCause: {}, unexplained: 1 })
})

/** Everything that can be the cause at once. */
const everything = together(
  base,
  worker(['cut', null, 90], received, thrown, erred, ['recv', 0, 112]),
  relay(['noWorker', 0, 100], ['routed', 0, 100, to(1, 0)], taken),
  other(dropped(120)),
  at('SUBSCRIBED', 0, 0, 'worker 1.0'),
  at('NET_ON', 91),
  at('STOP', 113),
  at('KILL', 114),
  at('KILL', 114, 114, 'relay 0.0'),
  down('stop', 115),
  down('crash', 116),
  { terms: { isRetentionReached: true, delivery: 'at-most-once' } },
)
const preference: readonly Cause[] = [
  ...(['handler-failed', 'no-worker', 'overflow', 'worker-killed', 'worker-stopped'] as const),
  'relay-killed',
  ...(['cut-off', 'network', 'broker-stop', 'broker-crash', 'retention'] as const),
]

test.for(preference.map((cause, at) => [cause, preference.slice(at)] as const))(
  '%s comes before all that follow it',
  ([cause, mayLose]) => {
    const may = { terms: { mayLose: mayLose.toReversed() } }
    expect(accountOf(together(everything, may)).lost.byCause).toEqual({ [cause]: 1 })
  },
)

test('of causes that are all illegal, the first is named', () => {
  const { lost } = accountOf(together(everything, { terms: { mayLose: [] } }))
  expect(lost.byCause).toEqual({ 'handler-failed': 1 })
})
