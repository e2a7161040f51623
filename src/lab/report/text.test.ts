import { describe, expect, test } from 'vitest'
import type { Entry, History } from '../checker/naive/smallHistory.ts'
import { died, does, kill, killed, sends, textFor, verdictIn } from './exampleText.ts'

test('a run that was kept', () => {
  expect(textFor({ history: died, planned: [kill], faults: [killed] })).toEqual([
    'worker-kill  redis-stream queue  at least once, survives worker crash, broker restart   ' +
      '4 at 400/s  2 workers  seed 7',
    '  00:00.010 SIGKILL w1      00:00.510 back',
    '  acknowledged 4 of 4   unknown 0   failed 0      ' +
      'processed 4   LOST 0   stuck 0   dead 0   unexpected 0',
    '  redelivered 1 (all explained: worker-killed)   reprocessed 0   overlap 0   late 0',
    '  order       1 reordered per key, 1 by redelivery, largest extent 1           promised: none',
    '  evenness    too few messages to say (2 short ones skipped)',
    '  end to end  p50 2 ms  p99 2 ms  p99.9 2 ms  max 2 ms                      lease 2 s',
    '  bite        kills of a worker with a message in hand: 1, at least 1 wanted (in hand 1)',
    'KEPT        0 violations in 1 kill: 95 % upper bound 95 % per kill',
    'Stronger    nothing was done twice: more than promised, in this run; no guarantee',
    'Not tested  power loss, several hosts, clock skew',
  ])
})

describe('a calm run', () => {
  const calm = (count: number): History => ({
    ledgers: {
      'producer 0.0': sends(count),
      'worker 0.0': does(...Array.from({ length: count }, (_, at) => at)),
    },
    events: [['worker 0.0', 'SUBSCRIBED', 900]],
  })

  test('has broken nothing on purpose', () => {
    expect(verdictIn(textFor({ history: calm(2) }))[0]).toBe(
      'KEPT        0 violations; nothing was broken on purpose',
    )
    for (const load of [{ killers: 1 }, { poisonShare: 0.1 }]) {
      expect(verdictIn(textFor({ history: calm(2), load }))[0]).toBe(
        'KEPT        0 violations; nothing but messages did harm',
      )
    }
  })

  test('whose fault hit nobody is inconclusive, though nothing was asked of it', () => {
    const idle = [{ ...killed, inHand: 0 }]
    const lines = textFor({ history: calm(2), planned: [kill], faults: idle })
    expect(verdictIn(lines)[0]).toBe('INCONCLUSIVE no kill hit anything')
  })

  test('without its bite is inconclusive, and says why', () => {
    expect(verdictIn(textFor({ history: calm(2), planned: [kill] }))).toEqual([
      'INCONCLUSIVE no kill hit anything',
      '             no bite: kills of a worker with a message in hand: 0, at least 1 wanted',
      'Not tested  power loss, several hosts, clock skew, 1 of 1 kill',
    ])
  })

  test('that was sent late has a banner, and no latency', () => {
    const { 'producer 0.0': sent = [], 'worker 0.0': done = [] } = calm(10).ledgers ?? {}
    const late = (all: readonly Entry[]) =>
      all.map(([type, at, ms, rest]): Entry => [type, at, ms + 500, rest ?? {}])
    const history = { ledgers: { 'producer 0.0': late(sent), 'worker 0.0': late(done) } }
    const lines = textFor({ history }, { ceilingPerSecond: 15 })
    expect(lines.slice(1, 3)).toEqual([
      'SATURATED: the load was not sent as planned (by its end 5/s of 10/s, p99 500 ms late), ' +
        'so latencies describe the backlog and not the broker',
      'HARNESS-BOUND: 10/s is more than half of the 15/s that the lab itself can do here',
    ])
    expect(lines.filter((line) => line.includes('end to end'))).toEqual([])
  })

  test('tells how even it was', () => {
    const evenness = (worker1: number) => {
      const own = Array.from({ length: 400 }, (_, at) => at)
      const of = (isOf: (at: number) => boolean) => does(...own.filter(isOf))
      const history: History = {
        ledgers: {
          'producer 0.0': sends(400),
          'worker 0.0': of((at) => at % 10 >= worker1),
          'worker 1.0': of((at) => at % 10 < worker1),
        },
        events: [
          ['worker 0.0', 'SUBSCRIBED', 900],
          ['worker 1.0', 'SUBSCRIBED', 900],
        ],
      }
      return textFor({ history }).find((line) => line.includes('evenness'))
    }
    expect(evenness(5)).toBe('  evenness    1 epoch of 2 workers, worst max/mean 1.00: even')
    expect(evenness(2)).toBe('  evenness    1 epoch of 2 workers, worst max/mean 1.60: UNEVEN in 1')
  })
})

test('more than three faults are told by what they hit', () => {
  const four = [10, 20, 30, 40].map((ms) => ({ ...killed, plannedMs: ms, appliedMs: ms }))
  const shown = (count: number) =>
    textFor({ history: died, faults: four.slice(0, count) }).filter((line) =>
      line.includes('SIGKILL'),
    )
  expect([shown(3).length, shown(4).length]).toEqual([3, 0])
})

test.for([
  ['kill', 'worker 2, worker 0, relay 1', 'SIGKILL r1 w0 w2'],
  ['stop', 'worker 11', 'SIGSTOP w11'],
  ['block', 'worker 1', 'w1 blocked'],
  ['broker-freeze', 'the broker', 'SIGSTOP the broker'],
  ['leave', 'worker 1', 'w1 told to leave'],
  ['broker-stop', 'the broker', 'SIGTERM the broker'],
  ['network', 'producer 1, producer 0', 'network of p0 p1 broken'],
] as const)('a %s of %s is told in short', ([kind, target, words]) => {
  const lines = textFor({ history: died, faults: [{ ...killed, kind, target }] })
  expect(lines[1]).toBe(`  00:00.010 ${words}      00:00.510 back`)
})

test('a report that somebody has sent cannot move the cursor', () => {
  const about = { backend: 'file\u001b[2J\u202e', command: 'a\nb' }
  const lines = textFor({ history: { ...died, terms: { mayRepeat: ['retry'] } } }, about)
  expect(lines[0]).toContain('worker-kill  file\uFFFD[2J\uFFFD queue')
  expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_C}]/u)
})

test('each group of a stream stands by itself', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': sends(2),
      'worker 0.0 of audit': does(0, 1),
      'worker 1.0 of mail': does(0),
    },
    terms: { pattern: 'stream', mayLose: [] },
  }
  const lines = textFor({ history })
  expect(lines.filter((line) => /group|[^e]processed/.test(line))).toEqual([
    '  group audit',
    '  acknowledged 2 of 2   unknown 0   failed 0      processed 2   LOST 0   stuck 0   dead 0   unexpected 0',
    '  group mail',
    '  acknowledged 2 of 2   unknown 0   failed 0      processed 1   stuck 0   dead 0   unexpected 0',
    'BROKEN      group mail: 1 acknowledged message was processed by nobody',
  ])
})

test('a broker that says something else than the ledgers of a broken run is told', () => {
  const history: History = { ...died, ledgers: { ...died.ledgers, 'worker 0.0': does(0, 2) } }
  const nothing = { waiting: 0, inFlight: 0, scheduled: 0, dead: 0 } as const
  const depth = [{ timeNs: 9_000_000_000n, group: null, ...nothing, stored: 3 }]
  const lines = textFor({ history, depth })
  expect(verdictIn(lines)[0]).toContain('BROKEN')
  expect(lines[1]).toBe('THE BROKER DISAGREES: it stored 3, the ledgers say 4')
})

describe('a broadcast', () => {
  const history: History = {
    ledgers: {
      'producer 0.0': sends(3, 1),
      'worker 0.0': does(0, 1, 2),
      'worker 1.0': [...does(0), ['recv', 2, 1_202], ['recv', 2, 1_203]],
    },
    events: [
      ['worker 0.0', 'SUBSCRIBED', 900],
      ['worker 1.0', 'SUBSCRIBED', 900],
    ],
    terms: {
      ...{ pattern: 'broadcast', delivery: 'at-most-once' },
      ...{ mayLose: ['cut-off'], mayRepeat: ['producer-retry'] },
    },
  }

  test('tells what each subscriber was owed', () => {
    expect(textFor({ history })).toEqual([
      'worker-kill  redis-stream broadcast  at most once   4 at 400/s  2 subscribers  seed 7',
      '  acknowledged 3 of 3   unknown 0   failed 0      unheard 0   unexpected 0',
      '  worker 0    owed 3   edge 0   delivered 3   MISSED 0   extra 0',
      '  worker 1    owed 3   edge 0   delivered 2   MISSED 1 (1 unexplained)   ' +
        'extra 1 (1 unexplained)',
      '  publish     p50 1 ms  p99 1 ms  p99.9 1 ms  max 1 ms',
      'BROKEN      messages that subscriber 1 was owed are lost only by cut-off; seen: 1 unexplained',
      '            handed to subscriber 1 again only by producer-retry; seen: 1 unexplained',
      'Why         Nothing that happened explains 1 of the losses.',
      '            Nothing that happened explains 1 of the repeats.',
      'First       p00-i00-s0000001  sent 00:00.100  ok .101  RECV w0 .102  DONE w0 .103  ack w0 .104',
      'Try         narrowcast lab show 2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7 ' +
        '--message p00-i00-s0000001',
      'Not tested  power loss, several hosts, clock skew',
    ])
  })

  test('that nobody heard, or that missed somebody, is a number', () => {
    const cut: History = {
      ledgers: {
        'producer 0.0': [...sends(3, 1), ...sends(4, 0).slice(6)],
        'worker 0.0': [...does(0), ['gap', null, 1_150, { count: 1 }], ...does(2)],
      },
      events: [
        ['worker 0.0', 'SUBSCRIBED', 900],
        ['worker 0.0', 'KILL', 1_250],
      ],
      terms: { ...history.terms, mayLose: ['overflow'] },
    }
    expect(verdictIn(textFor({ history: cut })).slice(0, 2)).toEqual([
      'KEPT        at most once: 1 of 4 heard by nobody, all reported',
      '            at most once: missed by worker 0 1 of 3',
    ])
    const unheard = textFor({ history: cut }).find((line) => line.includes('unheard'))
    expect(unheard).toContain('unheard 1 (1 reported, 0 silent)   unexpected 0')
  })
})
