import { expect, test } from 'vitest'
import { type History, questionOf } from '../checker/naive/smallHistory.ts'
import { duplicateFlag, givenUpFlag, lateFlag, missedUnknown, notTold } from '../evidence/record.ts'
import { messageTrail } from './messageTrail.ts'
import { trailInBrief, trailTable } from './trailText.ts'

const id = (sequence: number) => `r1-p00-i00-s000000${sequence}`

/** Time zero is at 1 s. */
function shown(history: History, sequence = 0, isBroadcast = false): string[] {
  const [evidence] = questionOf(history)
  const source = { evidence, zeroNs: 1_000_000_000n, run: 'r1', isBroadcast }
  return trailTable(messageTrail(source, id(sequence)))
}

function inBrief(history: History): string {
  const [evidence] = questionOf(history)
  const source = { evidence, zeroNs: 1_000_000_000n, run: 'r1', isBroadcast: false }
  return trailInBrief(messageTrail(source, 'p00-i00-s0000000'))
}

/** Routed to a worker that is killed with it in hand. */
const diedInHand: History = {
  ledgers: {
    'producer 0.0': [
      ['invoke', 0, 9_740, { count: 1, position: 9_739_000_000n, key: 7 }],
      ['ok', 0, 9_741, { count: 1 }],
    ],
    'relay 0.0': [
      ['taken', 0, 9_741],
      ['routed', 0, 9_741, { actor: 3, count: 0 }],
    ],
    'worker 3.0': [['recv', 0, 9_742, { count: 1, position: 5n, key: 7 }]],
    'worker 1.2': [],
  },
  events: [
    ['worker 3.0', 'SPAWN', 500],
    ['worker 3.0', 'STOP', 9_741],
    ['worker 1.2', 'KILL', 9_745],
    ['worker 3.0', 'KILL', 9_751],
    ['worker 3.0', 'EXIT', 9_760],
    ['worker 3.1', 'KILL', 9_800],
  ],
}

test('a lost message has one time axis, with what happened to who had it', () => {
  expect(shown(diedInHand)).toEqual([
    'r1-p00-i00-s0000000  key k07  lost',
    '  00:08.740  p00.0  INVOKE  attempt 1, due 00:08.739',
    '  00:08.741  p00.0  OK      1 receiver',
    '  00:08.741  r00.0  TAKEN',
    '  00:08.741  r00.0  ROUTED  to w03.0',
    '  00:08.741  w03.0  STOP',
    '  00:08.742  w03.0  RECV    delivery 1, position 5',
    '  00:08.751  w03.0  KILL',
  ])
  expect(inBrief(diedInHand)).toBe(
    'p00-i00-s0000000  sent 00:08.740  ok .741  TAKEN r0 .741  routed w3 .741  STOP w3 .741  ' +
      'RECV w3 .742  KILL w3 .751  then nothing',
  )
})

test('what happened to a worker that had given it back is left out', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': [
        ['invoke', 0, 1_000, { count: 1, position: 1_000_000_000n }],
        ['info', 0, 1_100],
        ['invoke', 0, 1_200, { count: 2, position: 1_000_000_000n }],
        ['ok', 0, 1_201, { count: notTold, flags: duplicateFlag }],
      ],
      'worker 0.0': [
        ['recv', 0, 1_300, { count: 1 }],
        ['throw', 0, 1_301],
        ['error', 0, 1_302],
        ['settled', 0, 1_303, { flags: 1 }],
      ],
      'worker 1.1': [
        ['recv', 0, 1_400, { count: 2 }],
        ['done', 0, 1_401],
        ['settled', 0, 2_500, { flags: lateFlag }],
      ],
      'deadReader 0.0': [['dead', 0, 3_000, { flags: 1, count: 2 }]],
    },
    events: [
      ['broker stop', 'BROKER_DOWN', 1_350],
      ['broker', 'BROKER_UP', 1_360],
      ['worker 0.0', 'KILL', 1_420],
      ['worker 1.1', 'STOP', 1_500],
      ['worker 1.1', 'CONT', 2_400],
      ['worker 1.1', 'KILL', 2_600],
      ['broker crash', 'BROKER_DOWN', 9_000],
    ],
  }
  expect(shown(history)).toEqual([
    'r1-p00-i00-s0000000  key k00  delivered again, dead',
    '  00:00.000  p00.0   INVOKE       attempt 1, due 00:00.000',
    '  00:00.100  p00.0   INFO',
    '  00:00.200  p00.0   INVOKE       attempt 2, due 00:00.000',
    '  00:00.201  p00.0   OK           known already',
    '  00:00.300  w00.0   RECV         delivery 1',
    '  00:00.301  w00.0   THROW',
    '  00:00.302  w00.0   ERROR',
    '  00:00.303  w00.0   SETTLED      retry',
    '  00:00.350  broker  BROKER_DOWN  stop',
    '  00:00.360  broker  BROKER_UP',
    '  00:00.400  w01.1   RECV         delivery 2',
    '  00:00.401  w01.1   DONE',
    '  00:00.500  w01.1   STOP',
    '  00:01.400  w01.1   CONT',
    '  00:01.500  w01.1   SETTLED      ack, late',
    '  00:02.000  d00.0   DEAD         by crashes, 2 failures',
  ])
  expect(inBrief(history)).toBe(
    'p00-i00-s0000000  sent 00:00.000  unknown .100  sent again .200  ok .201  RECV w0 .300  ' +
      'THROW w0 .301  ERROR w0 .302  retry w0 .303  broker stop .350  broker up .360  ' +
      'RECV w1.1 .400  DONE w1.1 .401  STOP w1.1 .500  CONT w1.1 00:01.400  ' +
      'ack, late w1.1 .500  dead 00:02.000',
  )
})

test('what a worker wrote about itself while it had the message stands beside it', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': [
        ['invoke', 0, 1_000],
        ['ok', 0, 1_001, { count: 1 }],
      ],
      'worker 0.0': [
        ['cut', null, 950],
        ['back', null, 960],
        ['recv', 0, 1_002],
        ['cut', null, 1_010],
        ['gap', null, 1_011, { count: 1_200 }],
        ['gap', null, 1_012, { count: missedUnknown, flags: 1 }],
        ['revoke', null, 1_013, { position: 3n }],
        ['stall', null, 1_014],
        ['back', null, 1_020],
      ],
      'worker 1.0': [
        ['cut', null, 1_005],
        ['recv', 0, 1_030],
        ['done', 0, 1_031],
      ],
    },
  }
  expect(shown(history).slice(3)).toEqual([
    '  00:00.002  w00.0  RECV    delivery 0',
    '  00:00.010  w00.0  CUT',
    '  00:00.011  w00.0  GAP     1,200 missed: overflow',
    '  00:00.012  w00.0  GAP     some missed: reconnect',
    '  00:00.013  w00.0  REVOKE  partition 3',
    '  00:00.020  w00.0  BACK',
    '  00:00.030  w01.0  RECV    delivery 0',
    '  00:00.031  w01.0  DONE',
  ])
})

test('what is lost in the broker is shown with the fall of the broker', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': [
        ['invoke', 0, 1_000],
        ['ok', 0, 1_001, { position: 2n ** 40n + 3n, count: notTold }],
      ],
      'worker 0.0': [],
    },
    events: [
      ['broker crash', 'BROKER_DOWN', 2_000],
      ['broker', 'BROKER_UP', 3_000],
      ['broker stop', 'BROKER_DOWN', 4_000],
    ],
  }
  expect(shown(history).slice(2)).toEqual([
    '  00:00.001  p00.0   OK           position 1099511627779',
    '  00:01.000  broker  BROKER_DOWN  crash',
    '  00:02.000  broker  BROKER_UP',
  ])
})

test('a name from a file cannot move the cursor', () => {
  const lines = [{ atMs: 1, who: 'w\u001b[1A', what: 'RECV', detail: '\r' }]
  const trail = { id: 'r\u0007', key: 'k', fates: [], lines }
  expect(trailTable(trail)).toEqual(['r\uFFFD  key k  fine', '  00:00.001  w\uFFFD[1A  RECV'])
})

test('what was taken from a worker says so', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': [
        ['invoke', 0, 1_000],
        ['ok', 0, 1_001, { count: 0 }],
      ],
      'worker 0.0': [
        ['recv', 0, 1_002],
        ['lost', 0, 1_500, { flags: 2 }],
        ['throw', 0, 1_501, { flags: givenUpFlag }],
      ],
    },
  }
  expect(shown(history).slice(4)).toEqual([
    '  00:00.500  w00.0  LOST    no longer its own: expired',
    '  00:00.501  w00.0  THROW   gave up',
  ])
  expect(inBrief(history)).toContain('RECV w0 .002  no longer of w0 .500  THROW w0 .501')
})

test('what a broadcast did not bring to everybody is no loss by itself', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': [
        ['invoke', 0, 1_000],
        ['ok', 0, 1_001],
        ['invoke', 1, 1_010],
        ['ok', 1, 1_011],
        ['invoke', 2, 1_020],
        ['fail', 2, 1_021],
      ],
      'worker 0.0': [
        ['recv', 0, 1_002],
        ['done', 0, 1_003],
      ],
      'worker 1.0': [],
    },
  }
  const fates = [0, 1, 2].map((sequence) => shown(history, sequence, true)[0]?.split('  ')[2])
  expect(fates).toEqual(['not heard by all', 'heard by nobody', 'refused'])
  expect(shown(history, 0)[0]).toMatch(/ fine$/)
})

test.for(['r2-p00-i00-s0000000', 'r1-p00-i00-s0000009', 'p00', 'r1-p01-i00-s0000000'])(
  'a message that nobody has published is not found: %s',
  (asked) => {
    const [evidence] = questionOf(diedInHand)
    const source = { evidence, zeroNs: 0n, run: 'r1', isBroadcast: false }
    expect(() => messageTrail(source, asked)).toThrow(
      expect.objectContaining({
        code: 'NOT_FOUND',
        message: `lab: run r1 has published no message ${asked}`,
        hint: 'An id looks like p00-i00-s0000001, or r1-p00-i00-s0000001.',
      }),
    )
  },
)
