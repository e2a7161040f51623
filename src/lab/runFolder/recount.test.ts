import { mkdtempSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Entry, History } from '../checker/naive/smallHistory.ts'
import { ledgerName } from '../evidence/sidecar.ts'
import { reportOf } from '../report/build.ts'
import { exampleAbout, exampleResult } from '../report/exampleRun.ts'
import { readReport, reportJson } from '../report/json.ts'
import type { Report } from '../report/types.ts'
import { evidenceLine } from './evidenceLines.ts'
import { recount } from './recount.ts'

const done: Entry[] = [
  ['recv', 0, 1_002, { count: 1 }],
  ['done', 0, 1_003],
  ['recv', 1, 1_102, { count: 1 }],
  ['done', 1, 1_103],
]
const history = (worked: readonly Entry[]): History => ({
  ledgers: {
    'producer 0.0': [0, 1].flatMap((at): Entry[] => [
      ['invoke', at, 1_000 + 100 * at, { count: 1 }],
      ['ok', at, 1_001 + 100 * at],
    ]),
    'worker 0.0': worked,
  },
  events: [['worker 0.0', 'SUBSCRIBED', 900]],
  terms: { mayLose: [] },
})
const kill = { kind: 'kill', target: 'busiest', atMs: 10, restartAfterMs: 500 } as const
const times = { plannedMs: 10, appliedMs: 10, endedMs: 510 }
const example = (worked: readonly Entry[]) =>
  exampleResult({
    ...{ history: history(worked), planned: [kill], load: { messages: 2 } },
    faults: [{ kind: 'kill', target: 'worker 0', ...times, inHand: 1 }],
  })

/** The folder of a run whose ledgers say that. */
async function folderOf(worked: readonly Entry[]): Promise<string> {
  const { evidence } = example(worked)
  const folder = mkdtempSync(join(tmpdir(), 'narrowcast-recount-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'ledgers'))
  for (const { sidecar, bytes } of evidence.ledgers) {
    const path = join(folder, 'ledgers', ledgerName(sidecar))
    await writeFile(`${path}.json`, JSON.stringify(sidecar))
    await writeFile(`${path}.bin`, bytes)
  }
  const lines = (all: readonly string[]) => all.map((line) => `${line}\n`).join('')
  await writeFile(join(folder, 'events.ndjson'), lines(evidence.events.map(evidenceLine)))
  await writeFile(join(folder, 'depth.ndjson'), lines(evidence.depth.map(evidenceLine)))
  await writeFile(join(folder, 'spec.json'), JSON.stringify(spec))
  await writeFile(join(folder, 'command.txt'), `${exampleAbout.command}\n`)
  return folder
}

/** What was asked of the run of the example. */
const spec = {
  scenario: {
    ...{ name: 'worker-kill', title: 'a busy worker dies', teaches: 'something' },
    bites: [
      { is: 'busyKills', atLeast: 1 },
      { is: 'infoOutcomes', atLeast: 1, of: 'live' },
    ],
  },
  subject: { backend: 'redis-stream', pattern: 'queue', profile: 'default', url: null },
  ...{ seed: 7, expected: null },
}

const reportFor = (worked: readonly Entry[]): Report =>
  readReport(reportJson(reportOf(example(worked), exampleAbout)))

test('a run is counted again as it was reported', async () => {
  expect(await recount(await folderOf(done), reportFor(done))).toEqual([])
})

test('a run that broke its promise is too', async () => {
  const lost = done.slice(0, 3)
  const report = reportFor(lost)
  expect(report.verdict.status).toBe('BROKEN')
  expect(await recount(await folderOf(lost), report)).toEqual([])
})

test('a ledger that says something else than the report is told, figure by figure', async () => {
  const found = await recount(await folderOf(done.slice(0, 3)), reportFor(done))
  expect(found).toContainEqual({ what: 'groups.0.account.processed', reported: 2, counted: 1 })
  expect(found).toContainEqual({
    ...{ what: 'verdict.status', reported: 'INCONCLUSIVE', counted: 'BROKEN' },
  })
})

test.for([
  ['groups.0.account.late', (r: Report) => ({ groups: [{ ...r.groups?.[0], account: late(r) }] })],
  ['verdict.status', (r: Report) => ({ verdict: { ...r.verdict, status: 'KEPT' } })],
  ['verdict.reasons.0', (r: Report) => ({ verdict: { ...r.verdict, reasons: [] } })],
  [
    'verdict.stronger.0',
    (r: Report) => ({
      verdict: { ...r.verdict, stronger: ['all', ...r.verdict.stronger.slice(1)] },
    }),
  ],
  ['asked.seed', () => ({ seed: 8 })],
  ['asked.command', () => ({ command: 'narrowcast lab run calm' })],
  ['asked.scenario', (r: Report) => ({ spec: { ...r.spec, scenario: 'calm' } })],
  ['asked.backend', (r: Report) => ({ spec: { ...r.spec, backend: 'file' } })],
  ['faults.0.hit', (r: Report) => ({ faults: r.faults.map((one) => ({ ...one, hit: false })) })],
  ['bites.0.seen', (r: Report) => ({ bites: [{ ...r.bites[0], seen: 5 }] })],
] as const)('a report whose %s was changed is told', async ([what, change]) => {
  const report = reportFor(done)
  const changed = { ...report, ...change(report) } as Report
  const found = await recount(await folderOf(done), changed)
  expect(found.map((one) => one.what)).toEqual([what])
})

test('conditions that are missing from a report are told', async () => {
  const report = reportFor(done)
  const verdict = { ...report.verdict, status: 'KEPT', reasons: [] } as const
  const found = await recount(await folderOf(done), { ...report, bites: [], verdict })
  expect(found.map((one) => one.what)).toEqual(['asked.bites.0'])
})

const late = ({ groups }: Report) => ({ ...groups?.[0]?.account, late: 7 })
