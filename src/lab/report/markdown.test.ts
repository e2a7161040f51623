import { describe, expect, test } from 'vitest'
import type { Entry, History } from '../checker/naive/smallHistory.ts'
import { reportOf } from './build.ts'
import { type ExampleRun, exampleAbout, exampleResult } from './exampleRun.ts'
import { markdownOf } from './markdown.ts'
import { code, escaped, table } from './markdownParts.ts'

function markdownFor(example: ExampleRun, about = {}): string {
  return markdownOf(reportOf(exampleResult(example), { ...exampleAbout, ...about }))
}

const sends: Entry[] = [0, 1].flatMap((at): Entry[] => [
  ['invoke', at, 1_000 + at, { count: 1, position: BigInt(1_000 + at) * 1_000_000n }],
  ['ok', at, 1_001 + at, { count: 1 }],
])
const lost: History = {
  ledgers: {
    'producer 0.0': sends,
    'worker 0.0': [
      ['recv', 1, 1_003, { count: 1 }],
      ['done', 1, 1_004],
    ],
  },
  events: [['worker 0.0', 'SUBSCRIBED', 900]],
  terms: { mayLose: [], mayRepeat: ['retry'] },
}

test('a broken run, fit for an issue', () => {
  const text = markdownFor({
    history: lost,
    faults: [
      {
        kind: 'kill',
        ...{ target: 'worker 0', plannedMs: 5, appliedMs: 6, endedMs: null, inHand: null },
      },
    ],
  })
  // Of the checks that were held a few are enough.
  const lines = text.split('\n').filter((line) => !/ \| 0 \| held \|$/.test(line))
  expect(lines).toEqual([
    '# BROKEN: worker-kill on redis-stream queue',
    '',
    'a busy worker dies',
    '',
    '```',
    'narrowcast lab run worker-kill --on redis-stream --seed 7',
    '```',
    '',
    '```',
    'BROKEN      1 acknowledged message was processed by nobody',
    'Why         Nothing that happened explains 1 of the losses.',
    'First       p00-i00-s0000000  sent 00:00.000  ok .001  then nothing',
    'Try         narrowcast lab show 2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7 ' +
      '--message p00-i00-s0000000',
    'Not tested  power loss, several hosts, clock skew',
    '```',
    '',
    '| what | value |',
    '| --- | --- |',
    '| run | 2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7 |',
    '| started | 2026-11-20T12:10:07.000Z |',
    '| promised | at least once, survives worker crash, broker restart |',
    '| load | 4 at 400/s, 1 producers, 2 workers with 4 at once |',
    '| seed | 7 |',
    '| broker | 7.0.15, on the PATH |',
    '| narrowcast | 0.5.0 (91ea5d0) |',
    '| processor time for each message | broker 82 µs, worker 140 µs |',
    '| processor | a processor |',
    '| cores | 2 |',
    '| a sync takes | 0.14 ms |',
    '',
    '## Promised against measured',
    '',
    '| check | promised | seen |  |',
    '| --- | --- | --- | --- |',
    '| lost | no accepted messages are lost | 1 unexplained | VIOLATED |',
    '| told | somebody is told of every loss by | all told | held |',
    '',
    '## Messages',
    '',
    '| messages | count |',
    '| --- | --- |',
    '| attempted | 2 |',
    '| acknowledged | 2 |',
    '| unknown | 0 |',
    '| failed | 0 |',
    '| processed | 1 |',
    '| lost | 1 unexplained |',
    '| lost, reported | 0 |',
    '| lost, silent | 1 |',
    ...['stuck', 'dead', 'redelivered', 'reprocessed', 'overlap', 'late', 'unexpected'].map(
      (name) => `| ${name} | 0 |`,
    ),
    '',
    '## Times',
    '',
    '| from when it was due | p50 | p90 | p99 | p99.9 | max |',
    '| --- | --- | --- | --- | --- | --- |',
    '| until accepted | 1 ms | 1 ms | 1 ms | 1 ms | 1 ms |',
    '| (accepted, from the send) | 1 ms | 1 ms | 1 ms | 1 ms | 1 ms |',
    '| (sent late by) | 0 ms | 0 ms | 0 ms | 0 ms | 0 ms |',
    '| until handed out | 2 ms | 2 ms | 2 ms | 2 ms | 2 ms |',
    '| until done | 3 ms | 3 ms | 3 ms | 3 ms | 3 ms |',
    '',
    '## Faults',
    '',
    '| fault | target | at | until | in hand |',
    '| --- | --- | --- | --- | --- |',
    '| kill | worker 0 | 00:00.006 | never |  |',
    '',
    '## First messages',
    '',
    '```',
    'r1-p00-i00-s0000000  key k00  lost',
    '  00:00.000  p00.0  INVOKE  attempt 1, due 00:00.000',
    '  00:00.001  p00.0  OK      1 receiver',
    '```',
    '',
  ])
})

test('each group of a stream has its own counts, and a name that is no Markdown', () => {
  const history: History = {
    ledgers: { 'producer 0.0': sends, 'worker 0.0 of a|b_*<i>': [['recv', 0, 1_002]] },
    terms: { pattern: 'stream' },
  }
  const text = markdownFor({ history })
  expect(text).toContain('| check | group | promised | seen |  |\n')
  expect(text).toContain('## Messages of group a\\|b\\_\\*&lt;i&gt;\n')
  expect(text).toContain('| until handed out of group a\\|b\\_\\*&lt;i&gt; | ')
  expect(text).toContain('> 1 s (100 % never)'.replace('>', '&gt;'))
})

test('each subscriber of a broadcast has a line', () => {
  const history: History = {
    ...lost,
    terms: { pattern: 'broadcast' },
  }
  const text = markdownFor({ history }, { tool: { version: '1', commit: 'c', dirty: true } })
  expect(text).toContain('2 acknowledged, 0 heard by nobody (0 reported, 0 silent).\n')
  expect(text).toContain('| 0 | 2 | 0 | 1 | 1 unexplained | 0 |')
  expect(text).toContain('| narrowcast | 1 (c, changed since) |')
})

test('no times are told of a load that was not the planned one', () => {
  const late: History = {
    ledgers: {
      'producer 0.0': sends.map(([type, at, ms, rest]): Entry => [type, at, ms + 900, rest ?? {}]),
      'worker 0.0': [],
    },
  }
  const text = markdownFor({ history: late })
  expect(text).toContain('SATURATED: ')
  expect(text).toContain('## Times\n\nThe load was not what was planned: no times.\n')
  expect(text).not.toContain('p99.9')
})

describe('a text', () => {
  test.for([
    ['a | b', 'a \\| b'],
    ['<script>&amp;', '&lt;script&gt;&amp;amp;'],
    ['[x](y) ![z] `c` *b* _i_ ~s~', '\\[x\\](y) !\\[z\\] \\`c\\` \\*b\\* \\_i\\_ \\~s\\~'],
    ['back\\slash', 'back\\\\slash'],
    ['two\nlines\r\n- here', 'two lines - here'],
    ['@you and #12, not redis-list@safe', '@<!-- -->you and #<!-- -->12, not redis-list@safe'],
    ['# head', '\\# head'],
    ['- item', '\\- item'],
    ['1. item', '1\\. item'],
  ])('is nothing but text: %s', ([text, safe]) => {
    expect(escaped(text as string)).toBe(safe)
  })

  test('of its own fences does not end a block', () => {
    expect(code('a ```` b')).toBe('`````\na ```` b\n`````')
    expect(table(['a'], [['x\n| y |']])).toBe('| a |\n| --- |\n| x \\| y \\| |')
  })
})
