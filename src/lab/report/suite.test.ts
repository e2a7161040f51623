import { describe, expect, test } from 'vitest'
import { reportOf } from './build.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'
import { suiteOf, type Unrun } from './suite.ts'
import { suiteMarkdown, suiteText } from './suiteText.ts'
import type { GroupReport, Report } from './types.ts'

const base = reportOf(
  exampleResult({
    history: {
      ledgers: {
        'producer 0.0': [
          ['invoke', 0, 1_000],
          ['ok', 0, 1_001, { count: 1 }],
        ],
        'worker 0.0': [
          ['recv', 0, 1_002],
          ['done', 0, 1_003],
        ],
      },
    },
  }),
  exampleAbout,
)

interface Wish {
  readonly backend: string
  readonly scenario: string
  readonly status?: Report['verdict']['status']
  readonly reasons?: readonly string[]
  readonly lost?: number
  readonly seed?: number
  readonly load?: number
}

function run({ backend, scenario, status = 'KEPT', reasons = [], ...rest }: Wish): Report {
  const { lost = 0, seed = 7, load = 1 } = rest
  const [group] = base.groups as [GroupReport]
  const account = { ...group.account, lost: { ...group.account.lost, total: lost } }
  return {
    ...base,
    seed,
    machine: { ...base.machine, load, parts: { a: 1 } },
    spec: { ...base.spec, backend, scenario },
    verdict: { ...base.verdict, status, reasons },
    groups: [{ ...group, account }],
  }
}

const notOffered: Unrun = {
  ...{ scenario: 'poison', subject: 'redis-list', status: 'NOT OFFERED' },
  reason: 'no | such thing',
}
const suite = suiteOf(
  [
    run({ backend: 'file', scenario: 'calm' }),
    run({ backend: 'file', scenario: 'calm', lost: 3, seed: 8, load: 2 }),
    run({ backend: 'redis-list', scenario: 'calm', status: 'BROKEN', reasons: ['one', '<two>'] }),
    run({ backend: 'file', scenario: 'poison', status: 'INCONCLUSIVE', reasons: ['no bite'] }),
  ],
  [notOffered, { ...notOffered, scenario: 'zombie', subject: 'kafka', status: 'NOT RUN' }],
)
const end = [
  'L lost, R reprocessed: the most in any run. ALO, AMO: at least, at most once.',
  'V0 live only; what outlasts V1 a crash of a worker, V2 also a restart of the',
  'broker, V3 its crash, V4 a power cut.',
  'Not tested in any run: power loss, several hosts, clock skew.',
]

test('a suite is a table, and a line for each cell that is not kept', () => {
  expect(suiteText(suite)).toEqual([
    '          file                redis-list    kafka',
    'promised  ALO V2              ALO V2        -',
    'calm      KEPT L3 R0          BROKEN L0 R0  -',
    'poison    INCONCLUSIVE L0 R0  NOT OFFERED   -',
    'zombie    -                   -             NOT RUN',
    '',
    'BROKEN  calm on redis-list: one; <two>',
    'INCONCLUSIVE  poison on file: no bite',
    'NOT OFFERED  poison on redis-list: no | such thing',
    'NOT RUN  zombie on kafka: no | such thing',
    ...end,
  ])
})

test('subjects that do not fit beside each other stand below', () => {
  const names = [
    'file',
    'redis-list',
    'redis-stream',
    'redis-pubsub',
    'rabbitmq',
    'kafka',
    'memory',
  ]
  const lines = suiteText(
    suiteOf(
      names.map((backend) => run({ backend, scenario: 'calm' })),
      [],
    ),
  )
  expect(lines.filter((line) => line.includes('promised '))).toHaveLength(2)
  expect(Math.max(...lines.slice(0, 8).map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(lines.slice(0, 4).join().length).toBeGreaterThan(200)
})

test('a page is made from it, with what made it', () => {
  expect(suiteMarkdown(suite, 'narrowcast lab suite --on file,redis-list').split('\n')).toEqual([
    '# Promised against measured',
    '',
    expect.stringContaining('This page is made by a command'),
    '',
    '```',
    'narrowcast lab suite --on file,redis-list',
    '```',
    '',
    '| scenario | file | redis-list | kafka |',
    '| --- | --- | --- | --- |',
    '| promised | ALO V2 | ALO V2 | \\- |',
    '| calm | KEPT L3 R0 | BROKEN L0 R0 | \\- |',
    '| poison | INCONCLUSIVE L0 R0 | NOT OFFERED | \\- |',
    '| zombie | \\- | \\- | NOT RUN |',
    '',
    end.slice(0, 3).join(' '),
    '',
    end[3],
    '',
    '## What was not kept, and why',
    '',
    '| where | verdict | why |',
    '| --- | --- | --- |',
    '| calm on redis-list | BROKEN | one; &lt;two&gt; |',
    '| poison on file | INCONCLUSIVE | no bite |',
    '| poison on redis-list | NOT OFFERED | no \\| such thing |',
    '| zombie on kafka | NOT RUN | no \\| such thing |',
    '',
    '## How',
    '',
    '| what | value |',
    '| --- | --- |',
    '| runs | 4 |',
    '| when | 2026-11-20 |',
    '| seeds | 7, 8 |',
    '| narrowcast | 0.5.0 91ea5d0 |',
    '| brokers | file 7.0.15, redis-list 7.0.15 |',
    '| processor | a processor |',
    '| cores | 2 |',
    '| a sync takes | 0.14 ms |',
    '',
  ])
})

describe('a suite', () => {
  test('in which all was kept gives no reasons', () => {
    const kept = suiteOf([run({ backend: 'file', scenario: 'calm' })], [])
    expect(suiteMarkdown(kept, 'x')).not.toContain('What was not kept')
    expect(suiteText(kept).slice(3)).toEqual(['', ...end])
  })

  test('in which nothing could be run says so', () => {
    const none = suiteOf([], [notOffered])
    expect(suiteText(none)[2]).toBe('poison    NOT OFFERED')
    expect(suiteMarkdown(none, 'x')).not.toContain('## How')
  })
})
