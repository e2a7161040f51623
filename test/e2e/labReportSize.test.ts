import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeRun } from '../../bench/lab/madeRun.ts'
import { readLedgers } from '../../src/lab/evidence/readLedgers.ts'
import { reportOf } from '../../src/lab/report/build.ts'
import { exampleAbout, exampleResult } from '../../src/lab/report/exampleRun.ts'
import { pictureDataOf } from '../../src/lab/report/figures/pictureData.ts'
import { messages } from '../../src/lab/report/figures/pictureScene.ts'
import { htmlOf } from '../../src/lab/report/html.ts'

test('the report of a million messages is smaller than a megabyte', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-report-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await makeRun(folder, { messages: 1_000_000, producers: 2, workers: 4, oneFailsOf: 100 })
  const small = exampleResult({ history: messages(10) })
  const evidence = { ledgers: await readLedgers(folder), events: [], depth: [] }
  const pictures = pictureDataOf({ ...small, evidence, zeroNs: 0n })
  expect(pictures.groups[0]?.fates.totals.ok).toBe(1_000_000)
  // Each of these was handed out twice.
  expect(pictures.messages.total).toBe(40_000)
  expect(pictures.messages.first.length).toBeGreaterThan(1_000)
  const html = htmlOf(reportOf(small, exampleAbout), pictures)
  expect(Buffer.byteLength(html)).toBeLessThan(1_000_000)
  expect(html).toContain('10,000 in history.ndjson; the ledgers have them all.')
})
