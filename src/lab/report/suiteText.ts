import { showCount } from './amounts.ts'
import { plainFacts } from './machineFacts.ts'
import { code, table } from './markdownParts.ts'
import { reasonsOf, type Suite, type SuiteCell } from './suite.ts'
import type { Report } from './types.ts'

const columnsMax = 80
const gap = '  '
const legend = [
  'L lost, R reprocessed: the most in any run. ALO, AMO: at least, at most once.',
  'V0 live only; what outlasts V1 a crash of a worker, V2 also a restart of the',
  'broker, V3 its crash, V4 a power cut.',
]
const notTested = 'Not tested in any run: power loss, several hosts, clock skew.'

/** A suite for a terminal: as many subjects beside each other as fit. */
export function suiteText(suite: Suite): string[] {
  const names = ['', 'promised', ...suite.rows.map(({ scenario }) => scenario)]
  const label = Math.max(...names.map(({ length }) => length))
  const columns = suite.subjects.map(({ name }, at) => {
    const cells = [name, promisedWords(suite, at), ...suite.rows.map((row) => words(row.cells[at]))]
    const width = Math.max(...cells.map(({ length }) => length))
    return { cells: cells.map((cell) => cell.padEnd(width)), width }
  })
  const blocks = inBlocks(columns, columnsMax - label).map((block) =>
    names.map((name, row) =>
      [name.padEnd(label), ...block.map(({ cells }) => cells[row])].join(gap).trimEnd(),
    ),
  )
  const reasons = reasonsOf(suite).map(({ where, status, why }) => `${status}  ${where}: ${why}`)
  return [...blocks.flatMap((block) => [...block, '']), ...reasons, ...legend, notTested]
}

interface Column {
  readonly cells: readonly string[]
  readonly width: number
}

function inBlocks(columns: readonly Column[], room: number): Column[][] {
  const blocks: Column[][] = []
  let left = 0
  for (const column of columns) {
    left -= column.width + gap.length
    const block = blocks.at(-1)
    if (block && left >= 0) block.push(column)
    else {
      blocks.push([column])
      left = room - column.width - gap.length
    }
  }
  return blocks
}

/** The page `docs/lab/results.md`. `command`: what has made it. */
export function suiteMarkdown(suite: Suite, command: string): string {
  const { subjects, rows, reports } = suite
  const names = subjects.map(({ name }) => name)
  const parts = [
    '# Promised against measured',
    'Each driver says what it promises; the lab breaks things on purpose, follows every message, and says what was kept. This page is made by a command, never written:',
    code(command),
    table(
      ['scenario', ...names],
      [
        ['promised', ...names.map((_, at) => promisedWords(suite, at))],
        ...rows.map(({ scenario, cells }) => [scenario, ...cells.map((cell) => words(cell))]),
      ],
    ),
    legend.join(' '),
    notTested,
    ...reasonsPart(suite),
    ...(reports.length === 0 ? [] : ['## How', table(['what', 'value'], facts(reports))]),
  ]
  return `${parts.join('\n\n')}\n`
}

function reasonsPart(suite: Suite): string[] {
  const reasons = reasonsOf(suite)
  if (reasons.length === 0) return []
  const rows = reasons.map(({ where, status, why }) => [where, status, why])
  return ['## What was not kept, and why', table(['where', 'verdict', 'why'], rows)]
}

function facts(reports: readonly Report[]): [string, string][] {
  const all = (of: (report: Report) => string) => [...new Set(reports.map(of))].join(', ')
  const days = reports.map(({ startedAt }) => startedAt.slice(0, 10)).sort()
  const [first] = days
  const last = days.at(-1)
  return [
    ['runs', showCount(reports.length)],
    ['when', first === last ? `${first}` : `${first} to ${last}`],
    ['seeds', all(({ seed }) => String(seed))],
    [
      'narrowcast',
      all(({ tool }) =>
        [tool.version, ...(tool.commit ? [tool.commit.slice(0, 12)] : [])].join(' '),
      ),
    ],
    ['brokers', all(({ spec, broker }) => `${spec.backend} ${broker.version}`)],
    ...machineOf(reports),
  ]
}

/** Suites are run on one machine; what says something else in each run is no property of it. */
function machineOf(reports: readonly Report[]): [string, string][] {
  const [first = [], ...others] = reports.map(({ machine }) => plainFacts(machine))
  return first.filter(([name, value]) =>
    others.every((facts) => facts.some((one) => one[0] === name && one[1] === value)),
  )
}

function promisedWords({ subjects }: Suite, at: number): string {
  const promised = subjects[at]?.promised
  if (!promised) return '-'
  return `${promised.delivery === 'at-least-once' ? 'ALO' : 'AMO'} V${promised.level}`
}

function words(cell: SuiteCell | undefined): string {
  if (!cell) return '-'
  if ('reason' in cell) return cell.status
  return `${cell.status} L${showCount(cell.lost.max)} R${showCount(cell.reprocessed.max)}`
}
