import { describe, expect, test } from 'vitest'
import type { GapWhy } from '../../../core/driver.ts'
import { gapReasons, missedUnknown, notTold } from '../../evidence/record.ts'
import type { Cause } from '../../terms.ts'
import type { Unheard } from '../broadcastAccounting.ts'
import { naiveBroadcast } from './broadcast.ts'
import {
  at,
  type BothWays,
  down,
  type Entry,
  type History,
  questionOf,
  sent,
  together,
  worker,
} from './smallHistory.ts'

const broadcastOf = (...histories: History[]) =>
  naiveBroadcast(...questionOf(together(...histories)))
const subscriberOf = (...histories: History[]) => {
  const [first] = broadcastOf(...histories).subscribers
  if (first === undefined) throw new Error('expected a subscriber')
  return first
}

const producer = (...entries: Entry[]): History => ({ ledgers: { 'producer 0.0': entries } })
/** From 100 to 104; the guard is 2. */
const one = producer(...sent(0))
const there = at('SUBSCRIBED', 50)
const missing = together(one, worker(), there)
const resumes: History = { terms: { resumes: true } }

test('nobody was there and nothing was sent', () => {
  expect(broadcastOf({})).toEqual({
    ...{ attempted: 0, acknowledged: 0, failed: 0, indeterminate: 0, phantom: 0 },
    ...{ unheard: { total: 0, reported: 0, silent: 0, silentByCause: {} }, subscribers: [] },
  })
})

describe('a message is', () => {
  const cut = (fromMs: number, toMs?: number) =>
    worker(['cut', null, fromMs], ...(toMs === undefined ? [] : [['back', null, toMs] as const]))
  test.for<[string, 'owed' | 'edge' | 'unheard', History]>([
    ['owed from the guard after it was subscribed', 'owed', at('SUBSCRIBED', 90, 98)],
    ['edge a moment before', 'edge', at('SUBSCRIBED', 90, 99)],
    ['edge when it was subscribed at the answer', 'edge', at('SUBSCRIBED', 90, 104)],
    ['unheard when it was subscribed after the answer', 'unheard', at('SUBSCRIBED', 90, 105)],
    ['owed until the guard before it died', 'owed', together(there, at('KILL', 106, 120))],
    ['edge a moment after', 'edge', together(there, at('KILL', 105, 120))],
    ['edge when it died at the send', 'edge', together(there, at('EXIT', 100))],
    ['unheard when it had died before', 'unheard', together(there, at('EXIT', 99))],
    [
      'edge when two lives together hold it',
      'edge',
      together(there, at('LEAVE', 102), at('SUBSCRIBED', 102)),
    ],
    ['edge when its network fails', 'edge', together(there, at('NET_ON', 102))],
    ['owed when it resumes', 'owed', together(there, at('NET_ON', 102), resumes)],
    ['edge when the broker is down', 'edge', together(there, down('stop', 102))],
    ['owed when it resumes then', 'owed', together(there, down('stop', 102), resumes)],
    ['edge when it dies, though it resumes', 'edge', together(there, at('KILL', 102), resumes)],
    [
      'owed when its network was healed before',
      'owed',
      together(there, at('NET_ON', 60), at('NET_OFF', 70)),
    ],
    [
      'unheard when the network of a dead one was healed',
      'unheard',
      together(there, at('KILL', 60), at('NET_ON', 65), at('NET_OFF', 70), resumes),
    ],
    ['unheard when it was cut off before', 'unheard', together(there, cut(99))],
    ['edge when it is cut off', 'edge', together(there, cut(102))],
    ['owed when it resumes after the cut', 'owed', together(there, cut(102), resumes)],
    ['owed when it was back the guard before', 'owed', together(there, cut(90, 98))],
    ['edge when it was back a moment later', 'edge', together(there, cut(90, 99))],
    ['edge when it was back at the answer', 'edge', together(there, cut(90, 104))],
    [
      'owed when it was back after the broker',
      'owed',
      together(there, down('stop', 80), cut(81, 98)),
    ],
    [
      'unheard when it was back before the broker went again',
      'unheard',
      together(there, down('stop', 80), cut(81, 85), down('crash', 90)),
    ],
    ['unheard when a dead one was back', 'unheard', together(there, at('KILL', 95), cut(90, 98))],
    ['unheard when nobody was back', 'unheard', together(cut(90, 98))],
    [
      'owed when its network is healed and it was back',
      'owed',
      together(there, down('stop', 60), cut(61, 70), at('NET_ON', 80), at('NET_OFF', 90)),
    ],
    [
      'unheard when its network is healed and it is cut off',
      'unheard',
      together(there, at('NET_ON', 80), cut(85), at('NET_OFF', 90)),
    ],
  ])('%s', ([, expected, history]) => {
    const { unheard, subscribers } = broadcastOf(one, worker(), history)
    const [{ owed, edge } = { owed: 0, edge: 0 }] = subscribers
    expect({ owed, edge, unheard: unheard.total }).toEqual({
      ...{ owed: 0, edge: 0, unheard: 0 },
      [expected]: 1,
    })
  })
})

describe('an unheard one', () => {
  const unheard = (...histories: History[]) => broadcastOf(one, worker(), ...histories).unheard
  const none: Unheard = { total: 0, reported: 0, silent: 0, silentByCause: {} }
  const silentBy = (cause: Cause): Unheard => ({
    ...{ total: 1, reported: 0, silent: 1, silentByCause: { [cause]: 1 } },
  })

  test('is reported when the publisher was told of no receivers', () => {
    const told = producer(...sent(0), ['invoke', 1, 100], ['ok', 1, 104, { count: 0 }])
    expect(broadcastOf(told, worker()).unheard).toEqual({
      ...{ total: 2, reported: 1, silent: 1, silentByCause: { 'no-worker': 1 } },
    })
  })

  test('is none when somebody heard it all the same', () => {
    const heard = worker(['recv', 0, 106])
    expect(broadcastOf(one, heard).unheard).toEqual(none)
    expect(unheard()).toEqual(silentBy('no-worker'))
  })

  test.for<[string, Cause, History, History]>([
    // Reclaimed within 5, and the guard is 2.
    ['on the way to a dead one', 'worker-killed', at('KILL', 80, 93), at('KILL', 80, 92)],
    ['to one that ended', 'worker-killed', at('EXIT', 93), at('LEAVE', 93)],
    [
      'to one that is dead already',
      'worker-killed',
      together(at('LEAVE', 60), at('KILL', 100)),
      together(at('LEAVE', 60), at('KILL', 101)),
    ],
    [
      'to a subscriber',
      'worker-killed',
      at('KILL', 93),
      together(at('LEAVE', 93), at('KILL', 93, 93, 'producer 0.0')),
    ],
    [
      'off the net',
      'network',
      at('NET_ON', 90),
      together(at('NET_ON', 90), at('NET_OFF', 99), at('LEAVE', 95)),
    ],
    ['in a broker that stops', 'broker-stop', down('stop', 90, 100), down('stop', 90, 99)],
    ['in a broker that crashes', 'broker-crash', down('crash', 90, 100), down('crash', 90, 99)],
  ])('is silent for a reason: %s', ([, cause, explains, not]) => {
    expect(unheard(there, explains)).toEqual(silentBy(cause))
    expect(unheard(there, not)).toEqual(silentBy('no-worker'))
  })

  test('is silent for a reason where its subscriber was cut off', () => {
    const cut = worker(['cut', null, 90], ['back', null, 106])
    expect(broadcastOf(one, cut, there).unheard).toEqual(silentBy('cut-off'))
  })
})

test('what certainly failed and came to somebody is a phantom', () => {
  const failed = producer(['invoke', 0, 100], ['fail', 0, 104])
  const heard = broadcastOf(failed, worker(['recv', 0, 106]))
  expect([heard.failed, heard.phantom]).toEqual([1, 1])
  expect(broadcastOf(failed, worker()).phantom).toBe(0)
})

test('subscribers stand by number, whatever their groups', () => {
  const ledgers = { 'worker 10.0 of a': [], 'drainReader 2.0': [], 'worker 3.1 of b': [] }
  const dead: History = { ledgers: { 'deadReader 1.0': [] } }
  const found = broadcastOf({ ledgers }, dead).subscribers
  expect(found.map(({ subscriber }) => subscriber)).toEqual([2, 3, 10])
})

test('all starts of a number are one subscriber, and so is its reader of leftovers', () => {
  const ledgers = {
    'worker 0.0': [['recv', 0, 106]],
    'worker 0.1': [['recv', 0, 107]],
    'drainReader 0.0': [['recv', 1, 107]],
  } satisfies History['ledgers']
  const two = producer(...sent(0), ...sent(1))
  const found = subscriberOf(two, { ledgers }, at('SUBSCRIBED', 50, 50, 'worker 0.1'))
  expect(found).toMatchObject({ owed: 2, delivered: 2, missed: { total: 0 }, extra: { total: 1 } })
})

describe('a miss', () => {
  const gap = (ms: number, count: number, why: GapWhy): Entry => [
    ...(['gap', null, ms] as const),
    { count, flags: gapReasons.indexOf(why) },
  ]
  const cut = (ms: number) => worker(['cut', null, ms], ['back', null, ms + 1])
  test.for<BothWays>([
    ['cut-off', cut(106), cut(107)],
    ['cut-off', [cut(99), resumes], [cut(98), resumes]],
    ['overflow', worker(gap(100, 1, 'overflow')), worker(gap(99, 1, 'overflow'))],
    ['overflow', worker(gap(120, 1, 'overflow')), worker(gap(120, 0, 'overflow'))],
    ['cut-off', worker(gap(100, missedUnknown, 'reconnect')), worker(gap(99, 1, 'reconnect'))],
    // Owed until the guard before its death.
    ['worker-killed', at('KILL', 106), at('LEAVE', 106)],
    ['worker-killed', at('EXIT', 120), [at('EXIT', 120), { terms: { inHandMax: 0 } }]],
    ['worker-killed', at('KILL', 120), at('KILL', 120, 120, 'worker 0.1')],
    ['network', at('NET_ON', 106), at('NET_ON', 107)],
    ['network', together(at('NET_ON', 106), resumes), [at('NET_ON', 106, 106, 'worker 1.0')]],
    ['broker-stop', down('stop', 106), down('stop', 107)],
    ['broker-crash', down('crash', 106), down('crash', 107)],
  ])('by %s', ([cause, explains, not]) => {
    const missed = (histories: History | History[]) =>
      subscriberOf(missing, ...[histories].flat()).missed
    expect(missed(explains)).toMatchObject({ total: 1, byCause: { [cause]: 1 }, unexplained: 0 })
    expect(missed(not)).toMatchObject({ total: 1, byCause: {}, unexplained: 1 })
  })

  test('by the first legal cause, else by the first', () => {
    const both = [cut(106), down('crash', 106)]
    const by = (...mayLose: ('cut-off' | 'broker-crash')[]) =>
      subscriberOf(missing, ...both, { terms: { mayLose } }).missed.byCause
    expect([by('cut-off', 'broker-crash'), by('broker-crash'), by()]).toEqual([
      { 'cut-off': 1 },
      { 'broker-crash': 1 },
      { 'cut-off': 1 },
    ])
  })

  test('by a gap is of what came after all that was handed out before it', () => {
    const sends = producer(...sent(0, 100), ...sent(1, 110), ...sent(2, 120), ...sent(3, 130))
    for (const why of gapReasons) {
      const dropped = worker(['recv', 1, 112], gap(140, 9, why), ['recv', 3, 141])
      const { missed } = subscriberOf(sends, dropped, there)
      const cause = why === 'overflow' ? why : 'cut-off'
      expect(missed).toMatchObject({ total: 2, byCause: { [cause]: 1 }, unexplained: 1 })
    }
  })

  test('by a death is of what came after all that was handed out before it', () => {
    const sends = producer(...sent(0, 100), ...sent(1, 110), ...sent(2, 120))
    const { missed } = subscriberOf(sends, worker(['recv', 1, 112]), there, at('KILL', 140))
    expect(missed).toMatchObject({ total: 2, byCause: { 'worker-killed': 1 }, unexplained: 1 })
  })

  test('is of what came after all of its key, where keys come in any order', () => {
    const keyed = (sequence: number, atMs: number, key: number) =>
      sent(sequence, atMs).map(([type, m, ms, more]): Entry => [type, m, ms, { ...more, key }])
    const sends = producer(...keyed(0, 100, 1), ...keyed(1, 101, 2), ...keyed(2, 110, 2))
    const byKey: History = { terms: { isOrderedByKey: true } }
    const handed = worker(['recv', 2, 112])
    const { missed } = subscriberOf(sends, handed, there, byKey, at('KILL', 140))
    expect(missed).toMatchObject({ total: 2, byCause: { 'worker-killed': 1 }, unexplained: 1 })
    expect(missed.unexplainedSample).toMatchObject([{ sequence: 1 }])
    const told = worker(['recv', 2, 112], gap(140, missedUnknown, 'overflow'))
    const all = subscriberOf(sends, told, there, byKey).missed
    expect(all).toMatchObject({ total: 2, byCause: { overflow: 2 }, unexplained: 0 })
  })

  test('by a gap uses what gaps say in the order in which messages were sent', () => {
    const other: History = {
      ledgers: {
        'producer 1.0': sent(0, 101).map(([type, m, ms]): Entry => [type, m, ms, { producer: 1 }]),
      },
    }
    const sends = producer(...sent(0, 100), ...sent(1, 120), ...sent(2, 150))
    const gaps = [gap(200, 2, 'overflow'), gap(300, 1, 'overflow')] as const
    const dropped = worker(gaps[0], ['recv', 1, 210], gaps[1])
    const { missed } = subscriberOf(sends, other, dropped, there)
    expect(missed).toMatchObject({ total: 3, byCause: { overflow: 3 }, unexplained: 0 })
  })

  test('by a gap is told by the subscriber that missed it, and no other', () => {
    const other: History = { ledgers: { 'worker 1.0': [gap(120, 1, 'overflow')] } }
    const both = [at('SUBSCRIBED', 50, 50, 'worker 1.0'), other]
    const [first, second] = broadcastOf(missing, ...both).subscribers
    expect([first?.missed.unexplained, second?.missed.unexplained]).toEqual([1, 0])
  })

  test('is of what was owed, and stands in the sample up to the 32nd', () => {
    const sends = Array.from({ length: 34 }, (_, sequence) => sent(sequence)).flat()
    const { missed } = subscriberOf(producer(...sends), worker(['recv', 0, 106]), there)
    expect([missed.total, missed.sample.length]).toEqual([33, 32])
    expect(missed.sample[0]).toEqual({ producer: 0, incarnation: 0, sequence: 1 })
  })

  test('is none of the messages whose outcome nobody knows', () => {
    const unknown = producer(['invoke', 0, 100], ['info', 0, 104])
    expect(subscriberOf(unknown, worker(), there)).toMatchObject({ owed: 0, edge: 0 })
  })
})

describe('a delivery more', () => {
  test('is explained for each subscriber by itself', () => {
    const twice = producer(
      ['invoke', 0, 100],
      ['invoke', 0, 101],
      ['ok', 0, 104, { count: notTold }],
    )
    const again: Entry[] = [
      ['recv', 0, 106],
      ['recv', 0, 107],
    ]
    const ledgers = { 'worker 0.0': again, 'worker 1.0': again }
    const extras = broadcastOf(twice, { ledgers }).subscribers.map(({ extra }) => extra)
    const retried = { total: 1, byCause: { 'producer-retry': 1 }, unexplained: 0 }
    expect(extras).toMatchObject([retried, retried])
  })

  test('of what nobody has published is unexpected', () => {
    const found = subscriberOf(one, worker(['recv', 7, 106], ['recv', 7, 107]))
    expect(found).toMatchObject({ unexpected: 2, delivered: 0, extra: { total: 0 } })
  })

  test('to another subscriber is none', () => {
    const ledgers: History['ledgers'] = {
      'worker 0.0': [['recv', 0, 106]],
      'worker 1.0': [['recv', 0, 106]],
    }
    const { subscribers } = broadcastOf(one, { ledgers })
    expect(subscribers.map(({ delivered, extra }) => [delivered, extra.total])).toEqual([
      [1, 0],
      [1, 0],
    ])
  })
})
