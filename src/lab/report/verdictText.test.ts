import { describe, expect, test } from 'vitest'
import type { Contract } from '../../core/contract.ts'
import type { History } from '../checker/naive/smallHistory.ts'
import type { ExampleRun } from './exampleRun.ts'
import { does, kill, killed, sends, textFor, verdictIn } from './exampleText.ts'

describe('losses', () => {
  /** Routed to a worker that is killed with it in hand; nobody is there for the last. */
  const lossy: History = {
    ledgers: {
      'producer 0.0': [...sends(3, 1), ...sends(4, 0).slice(6)],
      'worker 0.0': [...does(0), ['recv', 1, 1_102, { count: 1 }], ...does(2)],
    },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 0.0', 'KILL', 1_250],
    ],
    terms: { delivery: 'at-most-once', pattern: 'narrowcast', mayRepeat: ['producer-retry'] },
  }
  const example: ExampleRun = {
    history: lossy,
    planned: [kill],
    faults: [{ ...killed, target: 'worker 0', plannedMs: 240, appliedMs: 250, endedMs: null }],
  }
  const about = { backend: 'redis-pubsub', scenario: 'all-dead-revive' }
  const body = [
    '  00:00.250 SIGKILL w0      never back',
    '  acknowledged 4 of 4   unknown 0   failed 0      processed 2   stuck 0   dead 0   unexpected 0',
    '  redelivered 0   reprocessed 0   overlap 0   late 0',
    '  LOST 2 (1 worker-killed, 1 no-worker)   reported 1   silent 1   1 delivered, 1 never',
    '  order       0 reordered per key           promised: none',
    '  evenness    too few messages to say (1 short one skipped)',
    '  end to end  p50 2 ms  p99 > 1 s (33 % never, after the warm-up)  p99.9 > 1 s  max > 1 s',
    '  bite        kills of a worker with a message in hand: 1, at least 1 wanted (in hand 1)',
  ]

  test('that the contract allows are a number', () => {
    expect(textFor(example, about)).toEqual([
      'all-dead-revive  redis-pubsub narrowcast  at most once   4 at 400/s  2 workers  seed 7',
      ...body,
      'KEPT        at most once: 2 of 4 not processed, 1 of them silent',
      '            0 violations in 1 kill: 95 % upper bound 95 % per kill',
      'Not tested  power loss, several hosts, clock skew',
    ])
    const undelivered = { ...lossy.ledgers, 'worker 0.0': does(0, 1, 2) }
    const [kept] = textFor({ history: { ...lossy, ledgers: undelivered } }).filter((line) =>
      line.startsWith('KEPT'),
    )
    expect(kept).toBe('KEPT        at most once: 1 of 4 not delivered, all reported')
  })

  test('where at least once was asked: why, which first, and what to try', () => {
    const command = 'narrowcast lab run all-dead-revive --on redis-pubsub:narrowcast --seed 7'
    expect(textFor(example, { ...about, command, expected: 'at-least-once' })).toEqual([
      'all-dead-revive  redis-pubsub narrowcast  at most once; asked, not promised: at least once' +
        '   4 at 400/s  2 workers  seed 7',
      ...body,
      'BROKEN      at least once was asked: 2 acknowledged messages were processed by nobody' +
        "  (the driver's own contract was kept)",
      'Why         1 in the hands of workers that were killed, or on the way there; 1 published while no worker was there.',
      'First       p00-i00-s0000001  sent 00:00.100  ok .101  RECV w0 .102  KILL w0 .250  then nothing',
      'Try         narrowcast lab run all-dead-revive --on redis-list --seed 7',
      'Not tested  power loss, several hosts, clock skew',
    ])
  })
})

describe('a broken contract', () => {
  const lost: History = {
    ledgers: { 'producer 0.0': sends(3), 'worker 0.0': does(0) },
    events: [['worker 0.0', 'SUBSCRIBED', 900]],
    terms: { mayLose: [] },
  }

  test('names what nothing explains, and leads to its records', () => {
    expect(verdictIn(textFor({ history: lost }))).toEqual([
      'BROKEN      2 acknowledged messages were processed by nobody',
      'Why         Nothing that happened explains 2 of the losses.',
      'First       p00-i00-s0000001  sent 00:00.100  ok .101  then nothing',
      'Try         narrowcast lab show 2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7 ' +
        '--message p00-i00-s0000001',
      'Not tested  power loss, several hosts, clock skew',
    ])
  })

  test.for([
    ['worker-kill --on redis-stream:queue@naive', 'worker-kill --on redis-stream:queue'],
    ['--on redis-stream@naive --spec own.json', '--on redis-stream:queue --spec own.json'],
    ['calm --on redis://localhost --pattern queue', 'calm --on redis-stream:queue'],
  ])('of a naive client leads to one that is not: %s', ([asked, other]) => {
    const command = `narrowcast lab run ${asked} --seed 7`
    expect(verdictIn(textFor({ history: lost }, { profile: 'naive', command }))).toContain(
      `Try         narrowcast lab run ${other} --seed 7`,
    )
  })

  test('where a live pattern was asked to keep: a queue', () => {
    const live: History = { ...lost, terms: { delivery: 'at-most-once' } }
    const about = { backend: 'file', expected: 'at-least-once' } as const
    expect(verdictIn(textFor({ history: live }, about))).toContain(
      'Try         narrowcast lab run worker-kill --on file:queue --seed 7',
    )
  })

  test('in several ways says so, each with its reason', () => {
    const history: History = {
      ...lost,
      ledgers: { ...lost.ledgers, 'worker 1.0': [...does(0), ['recv', 9, 1_900]] },
      terms: { mayLose: [], mayRepeat: ['retry'] },
    }
    const lines = verdictIn(textFor({ history }, { expected: 'at-least-once' }))
    expect(lines.slice(0, 9)).toEqual([
      'BROKEN      at least once was asked: 2 acknowledged messages were processed by nobody',
      '            handed to a handler again only by retry; seen: 1 unexplained',
      '            done again only by retry; seen: 1 unexplained',
      '            nothing is delivered that was not sent, or not as it was sent; seen: 1',
      '            of two owners at once only one settles; seen: 1' +
        "  (so was the driver's own contract)",
      'Why         Nothing that happened explains 2 of the losses.',
      '            Nothing that happened explains 1 of the repeats.',
      '            A handler was given what nobody had sent, or what had changed on the way.',
      '            The broker confirmed the acknowledgements of two owners of one message.',
    ])
  })

  test('names the causes that were not allowed, and no others', () => {
    const history: History = {
      ledgers: {
        'producer 0.0': sends(3),
        'worker 0.0': [...does(0), ['recv', 1, 1_150, { count: 1 }]],
      },
      events: [
        ['worker 0.0', 'SUBSCRIBED', 900],
        ['worker 0.0', 'KILL', 1_160],
      ],
      terms: { mayLose: ['no-worker'] },
    }
    expect(verdictIn(textFor({ history })).slice(0, 2)).toEqual([
      'BROKEN      2 acknowledged messages were processed by nobody',
      'Why         1 in the hands of workers that were killed, or on the way there.',
    ])
  })

  test('by no message in particular leads to the same run again', () => {
    const history: History = {
      ...lost,
      ledgers: { ...lost.ledgers, 'worker 0.0': [...does(0, 1, 2), ['recv', 9, 1_900]] },
    }
    expect(verdictIn(textFor({ history })).slice(1, 3)).toEqual([
      'Why         A handler was given what nobody had sent, or what had changed on the way.',
      'Try         narrowcast lab run worker-kill --on redis-stream --seed 7',
    ])
  })
})

describe('a crash of the broker', () => {
  const history: History = {
    ledgers: { 'producer 0.0': sends(3), 'worker 0.0': does(0, 2) },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['broker crash', 'BROKER_DOWN', 1_150],
      ['broker', 'BROKER_UP', 1_160],
    ],
    terms: { mayLose: ['broker-crash'] },
  }
  const crash = {
    kind: 'broker-crash',
    ...{ target: 'the broker', plannedMs: 150, appliedMs: 150, endedMs: 160, inHand: null },
  } as const

  test('that may cost messages is kept, with how long it took', () => {
    const lines = textFor({ history, faults: [crash], contract: { survives: survivesFor(2_000) } })
    expect(lines[0]).toContain('survives worker crash, broker restart, broker crash but for 2 s ')
    expect(lines).toContain('  00:00.150 SIGKILL the broker      00:00.160 back')
    expect(lines).toContain('  recovery    nothing accepted for 100 ms, nothing done for 200 ms')
    expect(verdictIn(lines).slice(0, 2)).toEqual([
      'KEPT        at least once: 1 of 3 not delivered, 1 of them silent',
      '            0 violations in 1 broker crash: 95 % upper bound 95 % per broker crash',
    ])
  })

  test('where nothing may be lost: a safer profile', () => {
    const lines = textFor({ history, faults: [crash] }, { expected: 'at-least-once' })
    expect(lines[0]).toContain('; asked, not promised: no loss at all ')
    expect(verdictIn(lines)).toEqual([
      'BROKEN      at least once was asked: 1 acknowledged message was processed by nobody' +
        "  (the driver's own contract was kept)",
      'Why         1 in the broker when it crashed.',
      'First       p00-i00-s0000001  sent 00:00.100  ok .101  broker crash .150  broker up .160' +
        '  then nothing',
      'Try         narrowcast lab run worker-kill --on redis-stream@safe --seed 7',
      'Not tested  power loss, several hosts, clock skew',
    ])
  })
})

function survivesFor(lossWindowMs: number): Contract['survives'] {
  return {
    ...{ 'worker-crash': 'yes', 'broker-restart': 'yes', 'node-loss': 'no', 'power-loss': 'no' },
    'broker-crash': { lossWindowMs },
  }
}
