/** What vitest's json reporter writes, as far as it is read here. */
export interface TestReport {
  /** The run left none: it was stopped. */
  readonly isMissing?: true
  readonly testResults: readonly {
    /** Absolute path of the test file. */
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly fullName: string
      readonly status: string
    }[]
  }[]
}

export interface TestCounts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** How many tests ran on each backend. */
  readonly backends: Readonly<Record<string, number>>
  /** What is said of the run besides its numbers, a line each. */
  readonly remarks: readonly string[]
}

export interface CountOptions {
  readonly backends: readonly string[]
  /** In CI a broker test that did not run is a failure: nothing was proven. */
  readonly isCi: boolean
  readonly exitCode: number
  /** What the command line asked for, as vitest takes it. */
  readonly args: readonly string[]
}

/** Adds up a run. A file that could not be loaded, or a crash of the runner, counts as a failure. */
export function countTests(report: TestReport, options: CountOptions): TestCounts {
  let [passed, failed, skipped] = [0, 0, 0]
  const backends = Object.fromEntries(options.backends.map((name) => [name, 0]))
  const remarks: string[] = []
  for (const file of report.testResults) {
    if (
      file.status === 'failed' &&
      file.assertionResults.every((test) => test.status !== 'failed')
    ) {
      failed++
      remarks.push(`failed before its tests: ${file.name}`)
    }
    for (const { status, fullName, ancestorTitles } of file.assertionResults) {
      if (status === 'passed') passed++
      else if (status === 'failed') failed++
      else if (options.isCi && isOnBrokers(file.name)) {
        failed++
        remarks.push(`skipped, a failure in CI: ${fullName}`)
      } else {
        skipped++
        remarks.push(`skipped: ${fullName}`)
      }
      if (status !== 'passed' && status !== 'failed') continue
      const backend = options.backends.find((name) => isOn(name, file.name, ancestorTitles))
      if (backend !== undefined) backends[backend] = (backends[backend] ?? 0) + 1
    }
  }
  if (options.exitCode !== 0 && failed === 0) {
    failed++
    const paths = options.args.filter((word) => !word.startsWith('-'))
    const isNone = !report.isMissing && report.testResults.length === 0 && paths.length > 0
    remarks.push(
      isNone
        ? `no test file matched: ${paths.join(' ')}`
        : `failed outside of every test: vitest ended with exit code ${options.exitCode}`,
    )
  }
  return { passed, failed, skipped, backends, remarks }
}

const slashed = (file: string) => file.replaceAll('\\', '/')
const isOnBrokers = (file: string) => slashed(file).includes('/test/brokers/')

/** By the driver's folder; for a test on real brokers by the name of its file or the title around it. */
function isOn(backend: string, file: string, titles: readonly string[]): boolean {
  if (slashed(file).includes(`/src/drivers/${backend}/`)) return true
  if (!isOnBrokers(file)) return false
  const startsWith = (text: string) =>
    text.replace('a bus on ', '').split(/[\s:]|(?=[A-Z])/)[0] === backend
  return startsWith(slashed(file).split('/').at(-1) ?? '') || titles.some(startsWith)
}

/** The last lines of a test run; the very last one is the count. `brokers`: what they ran on. */
export function closingLines(
  { passed, failed, skipped, backends, remarks }: TestCounts,
  brokers: string,
): string[] {
  const ran = Object.entries(backends).map(([name, count]) => `${name} ${count}`)
  return [
    ...remarks,
    `Brokers: ${brokers}`,
    `Tests on backends: ${ran.join(', ')}`,
    `${passed} passed, ${failed} failed, ${skipped} skipped`,
  ]
}
