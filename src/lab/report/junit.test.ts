import { expect, test } from 'vitest'
import type { Entry, History } from '../checker/naive/smallHistory.ts'
import { reportOf } from './build.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'
import { junitOf } from './junit.ts'
import type { Report } from './types.ts'

const sends: Entry[] = [
  ['invoke', 0, 1_000, { count: 1, position: 1_000_000_000n }],
  ['ok', 0, 1_001, { count: 1 }],
]
const lost: History = {
  ledgers: { 'producer 0.0': sends, 'worker 0.0': [] },
  events: [['worker 0.0', 'SUBSCRIBED', 900]],
  terms: { mayLose: [], mayRepeat: ['retry'] },
}

function reportFor(history: History, change: Partial<Report> = {}): Report {
  return { ...reportOf(exampleResult({ history }), exampleAbout), ...change }
}

/** So that it does not matter here how many checks there are. */
function withChecks(report: Report, ...ids: readonly string[]): Report {
  return { ...report, checks: report.checks.filter(({ id }) => ids.includes(id)) }
}

test('a run is a suite, and each check a case', () => {
  expect(junitOf([withChecks(reportFor(lost), 'lost', 'stuck')]).split('\n')).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="narrowcast lab" tests="3" failures="1" errors="0" skipped="0">',
    '<testsuite name="worker-kill on redis-stream queue, seed 7" tests="3" failures="1" errors="0" ' +
      'skipped="0" timestamp="2026-11-20T12:10:07" time="40.000" ' +
      'id="2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7">',
    '<testcase classname="lab.worker-kill.redis-stream.queue" ' +
      'name="lost: no accepted messages are lost" time="0">',
    '<failure message="seen: 1 unexplained" type="BROKEN">',
    'Nothing that happened explains 1 of the losses.',
    'narrowcast lab run worker-kill --on redis-stream --seed 7',
    'r1-p00-i00-s0000000  key k00  lost',
    '  00:00.000  p00.0  INVOKE  attempt 1, due 00:00.000',
    '  00:00.001  p00.0  OK      1 receiver',
    '</failure>',
    '</testcase>',
    '<testcase classname="lab.worker-kill.redis-stream.queue" ' +
      'name="stuck: nothing is left in the broker at the end" time="0"/>',
    '<testcase classname="lab.worker-kill.redis-stream.queue" ' +
      'name="the run has tested what it was to test" time="0"/>',
    '</testsuite>',
    '</testsuites>',
    '',
  ])
})

test('what is not known is skipped, and a run that tested nothing is an error', () => {
  const report = withChecks(reportFor(lost), 'lost')
  const unknown: Report = {
    ...report,
    checks: report.checks.map((check) => ({ ...check, status: 'unknown' })),
    verdict: { ...report.verdict, status: 'INCONCLUSIVE', reasons: ['no bite', 'no barrier'] },
  }
  const text = junitOf([unknown, report])
  expect(text).toContain(
    '<testsuites name="narrowcast lab" tests="4" failures="1" errors="1" skipped="1">',
  )
  expect(text).toContain('<skipped message="seen: 1 unexplained"/>')
  expect(text).toContain('<error message="no bite; no barrier" type="INCONCLUSIVE"/>')
})

test('no text breaks out of its place', () => {
  const report = withChecks(
    reportFor({
      ...lost,
      ledgers: { 'producer 0.0': sends, 'worker 0.0 of a"<b>&\u0007\uFFFF\u{1F600}': [] },
      terms: { pattern: 'stream', mayLose: [] },
    }),
    'lost',
  )
  const text = junitOf([{ ...report, command: ']]> </failure>' }])
  expect(text).toContain('name="lost: group a&quot;&lt;b&gt;&amp;\uFFFD\uFFFD\u{1F600}: no ')
  expect(text).toContain(']]&gt; &lt;/failure&gt;\n')
})
