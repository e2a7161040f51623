import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import type { Contract } from '../../core/contract.ts'
import type { History } from '../checker/naive/smallHistory.ts'
import { reportOf } from './build.ts'
import { exampleAbout, exampleResult } from './exampleRun.ts'
import { readReport, reportJson, reportJsonSchema } from './json.ts'
import type { Report } from './types.ts'

const history: History = {
  ledgers: {
    'producer 0.0': [
      ['invoke', 0, 1_000],
      ['ok', 0, 1_001, { count: 1 }],
      ['invoke', 1, 1_100],
      ['ok', 1, 1_101, { count: 1 }],
    ],
    'worker 0.0': [['recv', 0, 1_002]],
  },
  events: [
    ['worker 0.0', 'SUBSCRIBED', 900],
    ['worker 0.0', 'KILL', 1_050],
  ],
}
const kill = { kind: 'kill', target: 'busiest', atMs: 50, restartAfterMs: 500 } as const

const survives: Contract['survives'] = {
  ...{ 'worker-crash': 'yes', 'broker-restart': 'unknown', 'node-loss': 'no', 'power-loss': 'no' },
  'broker-crash': { lossWindowMs: 2_000 },
}

const ofQueue = reportOf(
  exampleResult({
    ...{ history: { ...history, terms: { mayLose: [] } }, planned: [kill] },
    contract: { survives },
    faults: [
      {
        ...{ kind: 'kill', target: 'worker 0', plannedMs: 50, appliedMs: 50, endedMs: null },
        inHand: 1,
      },
    ],
  }),
  exampleAbout,
)
const ofBroadcast = reportOf(
  exampleResult({ history: { ...history, terms: { pattern: 'broadcast' } } }),
  {
    ...exampleAbout,
    expected: 'at-least-once',
    tool: { version: '0.5.0', commit: null, dirty: null },
  },
)

const both: [string, Report][] = [
  ['a queue', ofQueue],
  ['a broadcast', ofBroadcast],
]

test.for(both)('the report of %s is read as it was written', ([_, report]) => {
  expect(report.verdict.status).toBe('BROKEN')
  expect(report.firsts.length).toBeGreaterThan(0)
  expect(readReport(reportJson(report))).toEqual(report)
})

test.for(both)('the report of %s is as its schema says', ([_, report]) => {
  const formats = { 'date-time': /Z$/ }
  const validate = new Ajv2020({ allErrors: true, formats }).compile(reportJsonSchema())
  expect([validate(JSON.parse(reportJson(report))), validate.errors]).toEqual([true, null])
  expect(validate({ ...report, seed: '7' })).toBe(false)
})

test('a later version may say more', () => {
  const later = { ...ofQueue, more: 1, verdict: { ...ofQueue.verdict, more: [2] } }
  expect(readReport(JSON.stringify(later))).toEqual(ofQueue)
  const validate = new Ajv2020({ formats: { 'date-time': true } }).compile(reportJsonSchema())
  expect(validate(JSON.parse(JSON.stringify(later)))).toBe(true)
})

test.for([
  ['no JSON', 'nonsense', 'it is no JSON'],
  ['a number', '7', 'its type is missing, expected "lab.report"'],
  ['null', 'null', 'its type is missing, expected "lab.report"'],
  ['another object', '{"v":1,"type":"sim"}', 'its type is "sim", expected "lab.report"'],
  ['another version', '{"v":2,"type":"lab.report"}', 'its version is 2, expected 1'],
  ['half a report', '{"v":1,"type":"lab.report"}', /^runId: /],
  [
    'a damaged report',
    JSON.stringify({ ...ofQueue, verdict: { ...ofQueue.verdict, status: 'FINE' } }),
    /^verdict\.status: /,
  ],
  [
    'an account without its losses',
    reportJson(ofQueue).replaceAll('"lost":', '"list":'),
    /^groups\.0\.account\.lost: /,
  ],
] as const)('%s is no lab report', ([_, text, why]) => {
  const message = typeof why === 'string' ? why : expect.anything()
  let thrown: unknown
  try {
    readReport(text, 'here/report.json')
  } catch (error) {
    thrown = error
  }
  const { message: said = '' } = (thrown ?? {}) as Error
  expect(thrown).toMatchObject({
    code: 'INVALID_ARGUMENT',
    hint: 'Its page is another file: narrowcast lab open. The line in command.txt repeats the run.',
  })
  const start = 'lab: here/report.json is no lab report: '
  expect(said.slice(0, start.length)).toBe(start)
  const rest = said.slice(start.length)
  if (typeof why === 'string') expect(rest).toBe(message)
  else expect(rest).toMatch(why)
})
