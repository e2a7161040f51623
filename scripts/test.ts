import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokersFound, installBrokers } from './brokers.ts'
import { driverNames } from './driverNames.ts'
import { start } from './start.ts'
import { closingLines, countTests, type TestReport } from './testCounts.ts'

/** All tests, or those that `args` pick as vitest takes them, and their count as the last line. */
async function test(args: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'narrowcast-test-'))
  try {
    for (const line of await installBrokers()) console.log(line)
    const output = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
    const exitCode = await start(['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args])
    const report = await readReport(output, exitCode)
    const isCi = (process.env.CI ?? '') !== '' && process.env.CI !== 'false'
    const counts = countTests(report, {
      backends: await driverNames(),
      isCi,
      exitCode,
      args,
    })
    for (const line of closingLines(counts, await brokersFound())) console.log(line)
    return exitCode !== 0 ? exitCode : Number(counts.failed > 0)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** A run that was stopped leaves no report. */
async function readReport(file: string, exitCode: number): Promise<TestReport> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as TestReport
  } catch (error) {
    console.error(`vitest ended with exit code ${exitCode} and no report: ${String(error)}`)
    return { testResults: [], isMissing: true }
  }
}

process.exitCode = await test(process.argv.slice(2))
