import { expect, test } from 'vitest'
import type { Lie } from '../../testing/liar.ts'
import { judge } from '../checker/judge.ts'
import { verdictOf } from '../checker/verdict.ts'
import { judgedFaults, unhitKinds } from '../run/faultHits.ts'
import { planFor, played } from '../run/judgedRun.ts'
import type { RunResult } from '../run/result.ts'
import { reportOf } from './build.ts'
import { exampleAbout } from './exampleRun.ts'
import { historyOf } from './history.ts'
import { readReport, reportJson } from './json.ts'
import { junitOf } from './junit.ts'
import { markdownOf } from './markdown.ts'
import { messageTrail } from './messageTrail.ts'
import { textOf } from './text.ts'
import { shortId, trailTable } from './trailText.ts'

async function resultOf(lie: Lie): Promise<RunResult> {
  const plan = planFor(lie, 3)
  const { isBarrierReached, isDrained, ...rest } = await played(lie, plan)
  const { evidence, run } = rest
  const faults = judgedFaults(rest.faults, evidence.ledgers, rest.zeroNs)
  const judgement = judge(evidence, run, 250, [{ is: 'busyKills', atLeast: 1 }])
  const { groups, disagreements, bites, ownEnds } = judgement
  const verdict = verdictOf(
    groups.flatMap(({ checks }) => checks),
    {
      ...{ isBarrierReached, isDrained, disagreements, bites, ownEnds },
      ...{ planned: 300, attempted: groups[0]?.account.attempted ?? 0 },
      unhit: unhitKinds(plan.faults, faults),
    },
  )
  return { ...rest, faults, plan, guardMs: 250, judgement, verdict }
}

test('a run of an honest broker is kept in every form', { timeout: 60_000 }, async () => {
  const result = await resultOf('none')
  const report = reportOf(result, { ...exampleAbout, backend: 'memory' })
  expect(report.verdict.status).toBe('KEPT')
  expect(readReport(reportJson(report))).toEqual(report)
  const lines = textOf(report)
  expect(lines[0]).toMatch(
    /^worker-kill {2}memory queue {2}at least once {3}300 at 400\/s {2}4 workers {2}seed 3$/,
  )
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}acknowledged 300 of 300 {3}unknown 0 /))
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}end to end {2}p50 \S+ ms /))
  expect(lines).toContainEqual(
    expect.stringMatching(
      /^KEPT {8}0 violations in [12] kills?: 95 % upper bound \d\d % per kill$/,
    ),
  )
  const { series } = report.throughput
  const published = series.reduce((sum, second) => sum + second.published, 0)
  expect(published).toBeGreaterThan(300) // some are sent again
  expect(report.throughput.offered).toBeCloseTo(400, 0)
  expect(report.throughput.achieved).toBe(report.throughput.offered)
  expect(series.at(-1)?.backlog).toBe(0)
  expect(markdownOf(report)).toMatch(/^# KEPT: worker-kill on memory queue\n/)
  expect(junitOf([report])).toContain(' failures="0" errors="0" skipped="0"')
})

test('a run of a broker that loses leads to what it has lost', { timeout: 60_000 }, async () => {
  const result = await resultOf('drops what it has stored')
  const report = reportOf(result, { ...exampleAbout, backend: 'memory' })
  const lost = report.groups?.[0]?.account.lost.total ?? 0
  expect(report.verdict.status).toBe('BROKEN')
  expect(report.firsts).toHaveLength(Math.min(32, lost))
  const [first] = report.firsts
  const id = first?.id ?? ''
  const text = textOf(report).join('\n')
  expect(text).toContain(`BROKEN      ${lost} acknowledged message`)
  expect(text).toMatch(/^First {7}p\d\d-i00-s\d{7} {2}sent 00:0\d\.\d{3} .* then nothing$/m)
  expect(text).toContain(`--message ${shortId(id)}`)
  const { evidence, zeroNs } = result
  const source = { evidence, zeroNs, run: 'r1', isBroadcast: false }
  expect(messageTrail(source, shortId(id))).toEqual(first)
  expect(trailTable(messageTrail(source, id))[0]).toMatch(/ {2}lost$/)
  const messages = historyOf(source).split('\n')
  expect(messages.filter((line) => line.includes('"lost"'))).toHaveLength(lost)
  expect(readReport(reportJson(report))).toEqual(report)
})
