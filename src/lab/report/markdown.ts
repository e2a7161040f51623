import type { GroupAccount } from '../checker/accounting.ts'
import { becauseText } from '../checker/becauseText.ts'
import type { BroadcastAccount } from '../checker/broadcastAccounting.ts'
import type { Percentiles } from '../percentiles.ts'
import { showClock, showCount } from './amounts.ts'
import { promiseOf, subjectOf } from './headline.ts'
import { showPercentile } from './latencyText.ts'
import { plainFacts } from './machineFacts.ts'
import { code, escaped, table } from './markdownParts.ts'
import { banners } from './text.ts'
import { trailTable } from './trailText.ts'
import type { Report, ReportedCheck } from './types.ts'
import { verdictLines } from './verdictText.ts'

/** `report.md`: the verdict and its tables, fit for an issue. Nothing of a message's data is in it. */
export function markdownOf(report: Report): string {
  const { spec, verdict, groups, broadcast } = report
  const title = `${verdict.status}: ${spec.scenario} on ${subjectOf(spec)}`
  const parts = [
    `# ${escaped(title)}`,
    escaped(spec.title),
    code(report.command),
    code([...banners(report), ...verdictLines(report)].join('\n')),
    setting(report),
    section('Promised against measured', checksTable(report)),
    ...(groups ?? []).map(({ account }) =>
      section(nameOf('Messages', account.group), counts(account)),
    ),
    ...(broadcast === null ? [] : [section('Messages', subscribers(broadcast))]),
    section('Times', times(report)),
    ...(report.faults.length === 0 ? [] : [section('Faults', faults(report))]),
    ...(report.firsts.length === 0 ? [] : [section('First messages', firsts(report))]),
  ]
  return `${parts.join('\n\n')}\n`
}

function section(title: string, body: string): string {
  return `## ${escaped(title)}\n\n${body}`
}

function nameOf(title: string, group: string | null): string {
  return group === null ? title : `${title} of group ${group}`
}

function setting(report: Report): string {
  const { spec, seed, tool, broker, startedAt, runId, machine } = report
  const { messages, perSecond, producers, workers, concurrency } = spec.load
  const load = `${showCount(messages)} at ${showCount(perSecond)}/s`
  const dirty = tool.dirty === true ? ', changed since' : ''
  return table(
    ['what', 'value'],
    [
      ['run', runId],
      ['started', startedAt],
      ['promised', promiseOf(report)],
      ['load', `${load}, ${producers} producers, ${workers} workers with ${concurrency} at once`],
      ['seed', String(seed)],
      ['broker', `${broker.version}, ${broker.how}`],
      [
        'narrowcast',
        `${tool.version}${tool.commit === null ? '' : ` (${tool.commit.slice(0, 12)}${dirty})`}`,
      ],
      ...cpuRow(report),
      ...plainFacts(machine),
    ],
  )
}

/** Where nobody can tell there is none. */
function cpuRow({ instrument }: Report): string[][] {
  const used = Object.entries(instrument.cpuMicrosPerMessage)
  const words = used.map(([user, micros]) => `${user} ${showCount(micros)} µs`)
  return words.length === 0 ? [] : [['processor time for each message', words.join(', ')]]
}

function checksTable({ checks }: Report): string {
  const hasGroups = checks.some(({ group }) => group !== null)
  const row = ({ id, group, promise, observed, status }: ReportedCheck) => [
    id,
    ...(hasGroups ? [group ?? ''] : []),
    promise,
    observed,
    status === 'violated' ? 'VIOLATED' : status,
  ]
  const names = ['check', ...(hasGroups ? ['group'] : []), 'promised', 'seen', '']
  return table(names, checks.map(row))
}

function counts(account: GroupAccount): string {
  const { lost, redelivered, reprocessed } = account
  const rows: [string, string][] = [
    ['attempted', showCount(account.attempted)],
    ['acknowledged', showCount(account.acknowledged)],
    ['unknown', showCount(account.indeterminate)],
    ['failed', showCount(account.failed)],
    ['processed', showCount(account.processed)],
    ['lost', becauseText(lost)],
    ['lost, reported', showCount(lost.reported)],
    ['lost, silent', showCount(lost.silent)],
    ['stuck', showCount(account.stuck)],
    ['dead', showCount(account.dead)],
    ['redelivered', becauseText(redelivered)],
    ['reprocessed', becauseText(reprocessed)],
    ['overlap', showCount(account.overlap)],
    ['late', showCount(account.late)],
    ['unexpected', showCount(account.unexpected)],
  ]
  return table(['messages', 'count'], rows)
}

function subscribers({ subscribers: all, unheard, acknowledged }: BroadcastAccount): string {
  const rows = all.map((one) => [
    String(one.subscriber),
    ...[one.owed, one.edge, one.delivered].map(showCount),
    becauseText(one.missed),
    becauseText(one.extra),
  ])
  const told = `${showCount(unheard.reported)} reported, ${showCount(unheard.silent)} silent`
  return [
    `${showCount(acknowledged)} acknowledged, ${showCount(unheard.total)} heard by nobody (${told}).`,
    table(['subscriber', 'owed', 'edge', 'delivered', 'missed', 'extra'], rows),
  ].join('\n\n')
}

function times(report: Report): string {
  const { latency, groups, instrument } = report
  // Of a load that was not the planned one they describe the backlog.
  if (instrument.isSaturated) return 'The load was not what was planned: no times.'
  const row = (name: string, all: Percentiles) => [
    name,
    ...[all.p50, all.p90, all.p99, all.p999, all.unanswered > 0 ? null : all.max].map((ms) =>
      showPercentile(all, ms, report),
    ),
  ]
  return table(
    ['from when it was due', 'p50', 'p90', 'p99', 'p99.9', 'max'],
    [
      row('until accepted', latency.response),
      row('(accepted, from the send)', latency.service),
      row('(sent late by)', latency.scheduleDelay),
      ...(groups ?? []).flatMap(({ account, latency: own }) => [
        row(nameOf('until handed out', account.group), own.endToEnd),
        row(nameOf('until done', account.group), own.done),
      ]),
    ],
  )
}

function faults({ faults: all }: Report): string {
  return table(
    ['fault', 'target', 'at', 'until', 'in hand'],
    all.map(({ kind, target, appliedMs, endedMs, inHand }) => [
      kind,
      target,
      showClock(appliedMs),
      endedMs === null ? 'never' : showClock(endedMs),
      inHand === null ? '' : showCount(inHand),
    ]),
  )
}

function firsts({ firsts: all }: Report): string {
  return code(all.flatMap(trailTable).join('\n'))
}
