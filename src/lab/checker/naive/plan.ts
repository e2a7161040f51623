import fc from 'fast-check'
import { missedUnknown, notTold } from '../../evidence/record.ts'

/** What a random history is made of. Times are whole milliseconds, and few, so that they meet. */
export type Plan = typeof plan extends fc.Arbitrary<infer Value> ? Value : never
export type MessagePlan = Plan['messages'][number]
export type FatePlan = MessagePlan['fates'][number]
export type StartPlan = Plan['relays'][number]
export type FaultPlan = StartPlan['faults'][number]

/** One of the values, each as often as its weight says; it shrinks to the first. */
function weighted<const Value>(...choices: readonly (readonly [number, Value])[]) {
  return fc.oneof(
    { withCrossShrink: true },
    ...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })),
  )
}

function chance(percent: number) {
  return weighted([100 - percent, false], [percent, true])
}

function few(max: number) {
  return fc.integer({ min: 0, max })
}

/** So many of them, each number as often as its weight says. */
function some<Value>(one: fc.Arbitrary<Value>, ...weights: readonly number[]) {
  return fc.oneof(
    { withCrossShrink: true },
    ...weights.map((weight, length) => ({
      weight,
      arbitrary: fc.array(one, { minLength: length, maxLength: length }),
    })),
  )
}

const attempt = fc.record({
  afterMs: few(6),
  outcome: weighted([80, 'ok'], [7, 'fail'], [6, 'info'], [7, null]),
  waitMs: few(3),
  receivers: weighted([80, notTold], [16, 1], [4, 0]),
  isElsewhere: chance(8),
  isByNextStart: chance(30),
  /** The broker says that it knew the id. */
  isKnown: chance(15),
})

const delivery = fc.record({
  by: few(60),
  afterMs: few(7),
  isElsewhere: chance(8),
  ends: weighted(
    [55, ['done']],
    [12, ['throw']],
    [5, ['throw', 'error']],
    [20, []],
    [4, ['done', 'done']],
    [2, ['throw', 'done']],
    [2, ['error']],
    [3, ['gave up']],
  ),
  /** So long after it was handed out, the worker is told that it lost the message. */
  lostMs: weighted([80, null], [5, 0], [10, 4], [5, 9]),
  workMs: few(4),
  /** Flags of SETTLED. */
  settled: weighted([45, 0], [35, null], [6, 1], [3, 2], [6, 3], [4, 0x80], [1, 0x83]),
  settleMs: few(2),
})

const route = fc.record({
  by: few(60),
  isTaken: chance(90),
  afterMs: few(3),
  decision: weighted([55, 'routed'], [15, 'rerouted'], [6, 'noWorker'], [24, null]),
  to: few(60),
  waitMs: few(2),
})

/** What becomes of a message in one group. */
const fate = fc.record({
  deliveries: some(delivery, 25, 40, 25, 10),
  dead: weighted([90, 0], [8, 1], [2, 2]),
  /** Cause and failures of its dead letters. */
  deadBy: weighted([5, 0], [3, 1], [1, 2], [1, 9]),
  deadFailures: few(3),
  left: weighted([90, 0], [8, 1], [2, 2]),
  /** The handler's effect, or an error, by somebody who was never handed it. */
  stray: weighted([97, null], [2, 'done'], [1, 'error']),
})

const message = fc.record({
  producer: few(2),
  incarnation: few(1),
  sentMs: few(30),
  key: fc.constantFrom(0, 3, 977),
  position: weighted([3, 1n], [3, 0n], [1, 7n], [1, 1n << 60n]),
  attempts: some(attempt, 0, 80, 15, 5),
  route: weighted([70, true], [30, false]).chain((is) => (is ? route : fc.constant(null))),
  fates: fc.tuple(fate, fate),
})

const fault = fc.record({
  what: weighted(
    [3, 'KILL'],
    [2, 'EXIT'],
    [4, 'STOP'],
    [2, 'NET'],
    [2, 'CUT'],
    [2, 'REVOKE'],
    [6, 'STALL'],
    [5, 'GAP'],
    [1, 'LEAVE'],
    [1, 'SUBSCRIBED'],
  ),
  atMs: few(40),
  spanMs: few(2),
  /** Null: it never heals. */
  healAfterMs: fc.option(few(6), { freq: 3 }),
  /** What a gap says. */
  missed: weighted([2, 1], [2, 2], [1, 0], [1, missedUnknown]),
  isReconnect: chance(40),
})

const start = fc.record({
  /** Null: it never subscribes. */
  subscribedMs: fc.option(few(8), { freq: 9 }),
  faults: some(fault, 35, 40, 25),
  tornBytes: weighted([5, 0], [1, 1], [1, 31]),
})

const brokerFault = fc.record({
  how: weighted([1, 'stop'], [2, 'crash']),
  atMs: few(45),
  spanMs: few(2),
  upAfterMs: fc.option(few(5), { freq: 3 }),
  /** Which workers find back. */
  isBack: chance(80),
})

/** Of what nobody has published. */
const stranger = fc.record({
  by: few(60),
  atMs: few(45),
  type: weighted([5, 'recv'], [1, 'done'], [1, 'settled'], [1, 'dead'], [1, 'left'], [1, 'taken']),
  producer: fc.constantFrom(0, 9, 0xffff),
  sequence: fc.constantFrom(0, 500),
})

export const plan = fc.record({
  baseNs: fc.constantFrom(0n, 5_000_000_000n, 864_000_000_000_000n, 1n << 54n),
  groups: fc.constantFrom([null], ['a'], ['b', 'a'], ['a', null]),
  workers: some(fc.record({ group: few(1), starts: some(start, 0, 5, 3, 2) }), 1, 6, 10, 8, 6),
  relays: some(start, 5, 3, 2),
  /** Whether each group has a reader of leftovers, which may be handed messages, too. */
  drains: fc.tuple(fc.boolean(), fc.boolean()),
  /** Nobody is handed anything, and nothing is left. */
  isDeaf: chance(7),
  messages: fc.array(message, { maxLength: 48, size: 'max' }),
  brokerFaults: some(brokerFault, 50, 35, 15),
  strangers: some(stranger, 70, 20, 10),
  isReversed: fc.boolean(),
})
