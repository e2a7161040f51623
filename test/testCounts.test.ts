import { describe, expect, test } from 'vitest'
import { closingLines, countTests, type TestReport } from '../scripts/testCounts.ts'

type File = TestReport['testResults'][number]

function file(name: string, tests: Record<string, string>, ancestorTitles: string[] = []): File {
  const assertionResults = Object.entries(tests).map(([fullName, status]) => ({
    ancestorTitles,
    fullName,
    status,
  }))
  const isBad = Object.values(tests).includes('failed')
  return { name, status: isBad ? 'failed' : 'passed', message: '', assertionResults }
}

const options = { backends: ['file', 'memory'], isCi: false, exitCode: 0, args: [] }

describe('counting a test run', () => {
  test('the last line is the count, alone', () => {
    const report = { testResults: [file('/x/src/a.test.ts', { a: 'passed', b: 'skipped' })] }
    const lines = closingLines(countTests(report, options), 'none')
    expect(lines.at(-1)).toBe('1 passed, 0 failed, 1 skipped')
    expect(lines).toContain('skipped: b')
  })

  test('tests are counted by backend: by the folder of the driver, or the title around them', () => {
    const report = {
      testResults: [
        file('/x/src/drivers/file/store.test.ts', { a: 'passed' }),
        file('/x/test/brokers/c.test.ts', { b: 'passed', c: 'failed', d: 'skipped' }, [
          'memory: q',
        ]),
        file('/x/test/brokers/fileTrouble.test.ts', { f: 'passed' }),
        file('/x/test/brokers/profile.test.ts', { g: 'passed' }),
        file('/x/test/e2e/c.test.ts', { e: 'passed' }, ['file: q']),
      ],
    }
    const counts = countTests(report, { ...options, exitCode: 1 })
    expect(counts.backends).toEqual({ file: 2, memory: 2 })
    expect(closingLines(counts, 'none')).toContain('Tests on backends: file 2, memory 2')
  })

  test('a test of Redis is one by its folder and by its file, also where its title names none', () => {
    const report = {
      testResults: [
        file('/x/src/drivers/redis/a.test.ts', { a: 'passed' }),
        file('/x/test/brokers/redisCluster.test.ts', { b: 'passed', c: 'failed' }, ['a failover']),
        file('/x/test/brokers/conformance.test.ts', { d: 'passed' }, ['redis keeps its promises:']),
        file('/x/test/brokers/conformance.test.ts', { e: 'passed' }, ['a bus on redis keeps']),
        file('/x/src/lab/brokers/redis.test.ts', { f: 'passed' }),
      ],
    }
    const { backends } = countTests(report, { ...options, backends: ['file', 'redis'] })
    expect(backends).toEqual({ file: 0, redis: 5 })
  })

  test('a broker test that is skipped fails in CI, and only there', () => {
    const report = {
      testResults: [
        file('/x/test/brokers/c.test.ts', { a: 'skipped' }),
        file('/x/test/e2e/c.test.ts', { b: 'skipped' }),
      ],
    }
    expect(countTests(report, options)).toMatchObject({ failed: 0, skipped: 2 })
    const inCi = countTests(report, { ...options, isCi: true })
    expect(inCi).toMatchObject({ failed: 1, skipped: 1 })
    expect(inCi.remarks).toContain('skipped, a failure in CI: a')
  })

  test('a file that cannot be loaded counts as a failure', () => {
    const broken = { name: '/x/a.test.ts', status: 'failed', message: 'x', assertionResults: [] }
    const counts = countTests({ testResults: [broken] }, { ...options, exitCode: 1 })
    expect(counts).toMatchObject({ passed: 0, failed: 1 })
    expect(counts.remarks).toEqual(['failed before its tests: /x/a.test.ts'])
  })

  test('a runner that ends badly without a failed test is a failure all the same', () => {
    const report = { testResults: [file('/x/a.test.ts', { a: 'passed' })] }
    const counts = countTests(report, { ...options, exitCode: 137 })
    expect(counts).toMatchObject({ passed: 1, failed: 1 })
    expect(counts.remarks[0]).toContain('exit code 137')
  })

  test('where no file matched, the last lines say so, and a run that left no report is not that', () => {
    const asked = { ...options, exitCode: 1, args: ['test/testing', '--bail=1'] }
    expect(closingLines(countTests({ testResults: [] }, asked), 'redis 7 (here)')).toEqual([
      'no test file matched: test/testing',
      'Brokers: redis 7 (here)',
      'Tests on backends: file 0, memory 0',
      '0 passed, 1 failed, 0 skipped',
    ])
    const stopped = countTests({ testResults: [], isMissing: true }, asked)
    expect(stopped.remarks[0]).toContain('exit code 1')
    const all = countTests({ testResults: [] }, { ...asked, args: [] })
    expect(all.remarks[0]).toContain('exit code 1')
  })
})
