import { describe, expect, test } from 'vitest'
import type { Contract } from '../../core/contract.ts'
import type { Entry, History } from '../checker/naive/smallHistory.ts'
import { reportOf } from './build.ts'
import { compareOf } from './compare.ts'
import { compareText } from './compareText.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'
import type { GroupReport, Report } from './types.ts'

const sends: Entry[] = [
  ['invoke', 0, 1_000, { count: 1, position: 1_000_000_000n }],
  ['ok', 0, 1_001, { count: 1 }],
]
const calm: History = {
  ledgers: {
    'producer 0.0': sends,
    'worker 0.0': [
      ['recv', 0, 1_009, { count: 1 }],
      ['done', 0, 1_010],
    ],
  },
  events: [['worker 0.0', 'SUBSCRIBED', 900]],
}
const base = reportOf(exampleResult({ history: calm }), exampleAbout)

type Survives = Partial<Contract['survives']>

interface Wish {
  readonly backend: string
  readonly scenario?: string
  readonly profile?: string
  readonly delivery?: Contract['delivery']
  readonly survives?: Survives
  readonly lost?: number
  readonly twice?: number
  readonly p99?: number | null
  readonly backMs?: number
  readonly status?: Report['verdict']['status']
  readonly isSaturated?: boolean
}

let second = 0

/** Each is started a second after the one before. */
function run(wish: Wish): Report {
  const { backend, scenario = 'worker-kill', profile = 'default', status = 'KEPT' } = wish
  const { delivery = 'at-least-once', survives = {}, isSaturated = false } = wish
  const [group] = base.groups as [GroupReport]
  const { account, latency } = group
  const recovery = {
    fault: 'broker-crash',
    ...{
      actor: null,
      fromMs: 0,
      toMs: 1,
      rtoPublishMs: 1,
      oldestMs: 1,
      backlogPeak: 1,
      drainMs: 1,
    },
  } as const
  const changed: GroupReport = {
    ...group,
    account: {
      ...account,
      lost: { ...account.lost, total: wish.lost ?? 0 },
      reprocessed: { ...account.reprocessed, total: wish.twice ?? 0 },
    },
    latency: { ...latency, endToEnd: { ...latency.endToEnd, p99: wish.p99 ?? null } },
    recovery: wish.backMs === undefined ? [] : [{ ...recovery, rtoConsumeMs: wish.backMs }],
  }
  return {
    ...base,
    startedAt: new Date(++second * 1_000).toISOString(),
    spec: { ...base.spec, backend, scenario, profile },
    contract: { ...base.contract, delivery, survives: { ...base.contract.survives, ...survives } },
    groups: [changed],
    instrument: { ...base.instrument, isSaturated },
    verdict: { ...base.verdict, status, reasons: status === 'KEPT' ? [] : [`${backend} broke`] },
  }
}

const shown = (reports: readonly Report[]) => compareText(compareOf(reports))

test('columns of one guarantee stand together, divided by a rule from the others', () => {
  const crash: Survives = { 'broker-crash': 'yes' }
  const rounds = [3, 1, 2].flatMap((round) => [
    run({ backend: 'redis-pubsub', delivery: 'at-most-once', lost: 10 * round, p99: 3 }),
    run({ backend: 'file', survives: crash, twice: 3, p99: 9 }),
    run({ backend: 'redis-list', twice: round, p99: 7.5 + round }),
    run({ backend: 'rabbitmq', survives: crash, twice: 4, p99: 14 }),
    run({ backend: 'file', scenario: 'broker-crash', survives: crash, twice: 2, backMs: 3_100 }),
    run({ backend: 'redis-list', scenario: 'broker-crash', lost: 1_690, backMs: 3_200 }),
  ])
  expect(shown(rounds)).toEqual([
    '3 runs each, interleaved, seed 7: medians, 75 % sure',
    'Above each: what is promised, and the worst that is survived',
    'In each: verdict  lost/reprocessed  end-to-end p99, or time until back',
    '                 at least once, broker crash',
    '                 file               rabbitmq',
    'worker-kill      KEPT  0/3  9 ms    KEPT  0/4  14 ms',
    '  least to most  0/3  9 ms          0/4  14 ms',
    'broker-crash     KEPT  0/2  3.10 s  not run',
    '  least to most  0/2  3.10 s',
    '',
    '                 at least once, broker restart │ at most once, live only',
    '                 redis-list                    │ redis-pubsub',
    'worker-kill      KEPT  0/2  9.5 ms             │ KEPT  20/0  3 ms  !',
    '  least to most  0/1–3  8.5–11 ms              │ 10–30/0  3 ms',
    'broker-crash     KEPT  1,690/0  3.20 s  !      │ not run',
    '  least to most  1,690/0  3.20 s               │',
    '! loses messages, as its contract allows; redis-list@safe promises more.',
    'Columns of different guarantees are not ranked.',
  ])
})

test('columns of one guarantee are not torn apart where they fit beside each other', () => {
  const crash: Survives = { 'broker-crash': 'yes' }
  const reports = [
    run({ backend: 'file', survives: crash, p99: 13, lost: 1_000 }),
    run({ backend: 'redis-list', p99: 4.5, lost: 1_000 }),
    run({ backend: 'redis-stream', p99: 4.8, lost: 1_000 }),
  ]
  expect(shown(reports).filter((line) => /^ +(file|redis)/.test(line))).toEqual([
    '             file',
    '             redis-list                redis-stream',
  ])
})

test('one run of each has no spread, and one guarantee needs no rule', () => {
  const reports = [
    run({ backend: 'file', p99: 9, lost: 1, status: 'BROKEN' }),
    run({ backend: 'redis-list', profile: 'safe', isSaturated: true }),
    run({ backend: 'redis-stream', status: 'INCONCLUSIVE' }),
  ]
  expect(shown(reports)).toEqual([
    '1 run each, seed 7',
    'Above each: what is promised, and the worst that is survived',
    'In each: verdict  lost/reprocessed  end-to-end p99, or time until back',
    '             at least once, broker restart',
    '             file               redis-list@safe       redis-stream',
    'worker-kill  BROKEN  1/0  9 ms  KEPT  0/0  saturated  INCONCLUSIVE  0/0  never',
  ])
})

describe('of several runs', () => {
  test('the worst verdict stands, with its reasons', () => {
    const reports = (['KEPT', 'INCONCLUSIVE', 'BROKEN', 'KEPT'] as const).map((status) =>
      run({ backend: 'file', status, p99: 1 }),
    )
    const { rows } = compareOf(reports)
    expect(rows[0]?.cells.file).toMatchObject({
      runs: 4,
      status: 'BROKEN',
      reasons: ['file broke'],
    })
    expect(shown(reports.slice(0, 2))[5]).toContain('INCONCLUSIVE')
  })

  test('times of two units both say theirs', () => {
    const reports = [900, 1_100].map((p99) => run({ backend: 'file', p99 }))
    expect(shown(reports)[6]).toBe('  least to most  0/0  900 ms–1.10 s')
  })

  test('one without a time has none', () => {
    const reports = [run({ backend: 'file', p99: 1 }), run({ backend: 'file', p99: null })]
    expect(shown(reports)[5]).toBe('worker-kill      KEPT  0/0  never')
    expect(shown(reports)[6]).toBe('  least to most  0/0')
  })

  test('six are more than an indication', () => {
    const six = Array.from({ length: 6 }, () => run({ backend: 'file', p99: 1 }))
    expect(shown(six)[0]).toBe('6 runs each, seed 7: medians, 97 % sure')
    const uneven = [...six, run({ backend: 'redis-list', p99: 1 })]
    expect(shown(uneven)[0]).toBe('at least 1 run each, seed 7')
  })

  test('the weakest contract that was found decides where a column stands', () => {
    const { guarantees } = compareOf([
      run({ backend: 'file', survives: { 'broker-crash': 'yes' } }),
      run({ backend: 'file', survives: { 'broker-restart': 'unknown', 'broker-crash': 'yes' } }),
    ])
    expect(guarantees).toEqual([{ delivery: 'at-least-once', level: 1, columns: ['file'] }])
  })
})

describe('six runs each', () => {
  const six = (a: readonly number[], b: number | null, wish: Partial<Wish> = {}) =>
    a.flatMap((p99) => [
      run({ backend: 'file', p99 }),
      run({ backend: 'redis-list', p99: b, ...wish }),
    ])
  const said = (reports: readonly Report[]) =>
    shown(reports).filter((line) => line.startsWith('worker-kill:'))
  const tens = [10, 11, 10, 12, 10, 10]

  test('show which is faster, where all pairs say so', () => {
    expect(said(six(tens, 20))).toEqual([
      'worker-kill: file is faster than redis-list, 2.00 times in the middle (p = 0.031).',
    ])
    expect(said(six(tens, 5))).toEqual([
      'worker-kill: redis-list is faster than file, 2.00 times in the middle (p = 0.031).',
    ])
    const mixed = [10, 11, 10, 12, 10, 30]
    expect(said(six(mixed, 20))).toEqual(['worker-kill: no difference shown, file and redis-list.'])
  })

  test('say nothing across guarantees, of too few, or of who never came back', () => {
    expect(said(six(tens, 20, { survives: { 'broker-crash': 'yes' } }))).toEqual([])
    expect(said(six(tens.slice(1), 20))).toEqual([])
    expect(said(six(tens, null))).toEqual([])
  })

  test('on a machine that changed meanwhile say nothing', () => {
    const reports = six(tens, 20).map((report, at): Report => {
      const ceilingPerSecond = at < 6 ? 1_000 : 1_200
      return { ...report, instrument: { ...report.instrument, ceilingPerSecond } }
    })
    expect(said(reports)).toEqual([
      'worker-kill: the machine changed meanwhile, so nothing is said of file and redis-list.',
    ])
  })
})

test('a broadcast counts what was missed and what nobody heard', () => {
  const history: History = {
    ledgers: {
      ...calm.ledgers,
      'worker 1.0': [
        ['recv', 0, 1_002],
        ['recv', 0, 1_003],
      ],
    },
    events: [['worker 0.0', 'SUBSCRIBED', 900]],
    terms: { pattern: 'broadcast', delivery: 'at-most-once' },
  }
  const cell = (of: History) => {
    const report = reportOf(exampleResult({ history: of }), exampleAbout)
    return compareOf([report]).rows[0]?.cells['redis-stream broadcast']
  }
  expect(cell(history)).toMatchObject({
    lost: { median: 0 },
    reprocessed: { median: 1 },
    ms: { median: 1 },
  })
  const unheard = { ...history, events: [], ledgers: { 'producer 0.0': sends } }
  expect(cell(unheard)).toMatchObject({ lost: { median: 1 } })
})
