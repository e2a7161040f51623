import { subjectOf } from './headline.ts'
import { trailTable } from './trailText.ts'
import type { Report, ReportedCheck } from './types.ts'
import { whyBroken } from './why.ts'

/**
 * For who reads JUnit: a suite for each run, a case for each check. A check that cannot be known is
 * skipped; a run that tested nothing is an error, so that nobody takes it for one that was kept.
 */
export function junitOf(reports: readonly Report[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(
    'testsuites',
    { name: 'narrowcast lab', ...totals(reports.flatMap(casesOf)) },
    reports.map(suite),
  )}\n`
}

interface Case {
  readonly name: string
  readonly result: 'passed' | 'failure' | 'error' | 'skipped'
  readonly message: string
  readonly text: string
}

function suite(report: Report): string {
  const { spec, seed, startedAt, endedAt, runId } = report
  const subject = subjectOf(spec)
  const cases = casesOf(report)
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000
  return element(
    'testsuite',
    {
      name: `${spec.scenario} on ${subject}, seed ${seed}`,
      ...totals(cases),
      timestamp: startedAt.slice(0, 19),
      time: seconds.toFixed(3),
      id: runId,
    },
    cases.map((one) => caseElement(one, `lab.${spec.scenario}.${subject.replaceAll(' ', '.')}`)),
  )
}

function casesOf(report: Report): Case[] {
  const { checks, verdict } = report
  const reasons = verdict.status === 'INCONCLUSIVE' ? verdict.reasons.join('; ') : ''
  return [
    ...checks.map((check) => caseOf(check, report)),
    {
      name: 'the run has tested what it was to test',
      result: reasons === '' ? 'passed' : 'error',
      message: reasons,
      text: '',
    },
  ]
}

function caseOf(check: ReportedCheck, report: Report): Case {
  const { id, group, promise, observed, status } = check
  const whose = group === null ? '' : `group ${group}: `
  const message = `seen: ${observed}`
  const name = `${id}: ${whose}${promise}`
  if (status === 'held') return { name, result: 'passed', message, text: '' }
  if (status === 'unknown') return { name, result: 'skipped', message, text: '' }
  const told = [...whyBroken(report), report.command, ...report.firsts.flatMap(trailTable)]
  return { name, result: 'failure', message, text: told.join('\n') }
}

function caseElement({ name, result, message, text }: Case, classname: string): string {
  const inner = result === 'passed' ? [] : [outcome(result, message, text)]
  return element('testcase', { classname, name, time: '0' }, inner)
}

function outcome(result: string, message: string, text: string): string {
  const type = { failure: 'BROKEN', error: 'INCONCLUSIVE' }[result]
  return element(result, { message, ...(type !== undefined && { type }) }, text && [xml(text)])
}

function totals(cases: readonly Case[]): Readonly<Record<string, string>> {
  const count = (result: Case['result']) =>
    String(cases.filter((one) => one.result === result).length)
  return {
    tests: String(cases.length),
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  }
}

function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  inner: readonly string[] | '',
): string {
  const words = Object.entries(attributes).map(([key, value]) => ` ${key}="${xml(value)}"`)
  const head = `<${name}${words.join('')}`
  if (inner.length === 0) return `${head}/>`
  return `${head}>\n${[...inner].join('\n')}\n</${name}>`
}

/** XML has no form at all for most control characters. */
function xml(text: string): string {
  return [...text]
    .map((sign) => (isAllowed(sign.codePointAt(0) as number) ? sign : '\uFFFD'))
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

function isAllowed(point: number): boolean {
  if (point === 0x9 || point === 0xa || point === 0xd) return true
  return point >= 0x20 && (point < 0xd800 || point > 0xdfff) && point !== 0xfffe && point !== 0xffff
}
