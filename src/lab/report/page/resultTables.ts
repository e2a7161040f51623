import type { CheckStatus } from '../../checker/checks.ts'
import type { Percentiles } from '../../percentiles.ts'
import { showCount, showMs, showShare } from '../amounts.ts'
import { type Markup, markup } from '../figures/markup.ts'
import type { PictureData } from '../figures/pictureData.ts'
import type { GroupReport, Report, ReportedRecovery } from '../types.ts'
import { type Cell, numbers, tableOf } from './table.ts'

const states: Readonly<Record<CheckStatus, Markup>> = {
  held: markup`<span class="state kept">✓ held</span>`,
  violated: markup`<span class="state broken">✗ violated</span>`,
  unknown: markup`<span class="state inconclusive">? unknown</span>`,
}

export function promisesTable({ checks }: Report): Markup {
  const isGrouped = checks.some(({ group }) => group !== null)
  return tableOf({
    caption: 'Each promise beside what was measured',
    columns: ['Promised', ...(isGrouped ? ['Group'] : []), 'Measured', 'State'],
    rows: checks.map(({ promise, group, observed, status }) => [
      promise,
      ...(isGrouped ? [group ?? ''] : []),
      observed,
      states[status],
    ]),
  })
}

/** Every number is of distinct messages, but for what came again. */
export function countsTable({ groups, broadcast }: Report): Markup {
  if (broadcast !== null) return broadcastTables(broadcast)
  const all = groups ?? []
  const row = (name: string, countIn: (group: GroupReport) => number): Cell[] => [
    name,
    ...numbers(...all.map((group) => showCount(countIn(group)))),
  ]
  return tableOf({
    caption: 'What became of the messages',
    columns: ['', ...numbers(...all.map(({ account }) => account.group ?? 'messages'))],
    rows: [
      row('attempted', ({ account }) => account.attempted),
      row('acknowledged', ({ account }) => account.acknowledged),
      row('refused', ({ account }) => account.failed),
      row('unknown to the publisher', ({ account }) => account.indeterminate),
      row('processed', ({ account }) => account.processed),
      row('lost', ({ account }) => account.lost.total),
      row('lost, and nobody was told', ({ account }) => account.lost.silent),
      row('stuck in the broker', ({ account }) => account.stuck),
      row('dead', ({ account }) => account.dead),
      row('handed out again', ({ account }) => account.redelivered.total),
      row('processed again', ({ account }) => account.reprocessed.total),
      row('unknown, and there all the same', ({ account }) => account.recovered),
      row('settled too late', ({ account }) => account.late),
      row('in two hands at once', ({ account }) => account.overlap),
      row('stored twice', ({ account }) => account.storedTwice),
      row('out of order, key by key', ({ order }) => order.overall.reordered),
      row('of these after a redelivery', ({ order }) => order.byRedelivery),
    ],
  })
}

function broadcastTables({
  attempted,
  acknowledged,
  unheard,
  subscribers,
}: NonNullable<Report['broadcast']>): Markup {
  const published = tableOf({
    caption: 'What was published',
    columns: ['', ...numbers('messages')],
    rows: [
      ['attempted', ...numbers(showCount(attempted))],
      ['acknowledged', ...numbers(showCount(acknowledged))],
      ['heard by nobody', ...numbers(showCount(unheard.total))],
      ['heard by nobody, and nobody was told', ...numbers(showCount(unheard.silent))],
    ],
  })
  const heard = tableOf({
    caption: 'What each subscriber got',
    columns: [
      'Subscriber',
      ...numbers('owed', 'delivered', 'missed', 'again', 'not owed for sure'),
    ],
    rows: subscribers.map(({ subscriber, owed, delivered, missed, extra, edge }) => [
      String(subscriber),
      ...numbers(...[owed, delivered, missed.total, extra.total, edge].map(showCount)),
    ]),
  })
  return markup`${published}${heard}`
}

export function latencyTable({ latency, groups, throughput }: Report): Markup {
  const ofGroups = (groups ?? []).flatMap(({ account, latency: own }): [string, Percentiles][] => {
    const whose = account.group === null ? '' : `: ${account.group}`
    return [
      [`end to end${whose}`, own.endToEnd],
      [`until done${whose}`, own.done],
    ]
  })
  const rows: [string, Percentiles][] = [
    ...ofGroups,
    ['response', latency.response],
    ['service', latency.service],
    ['sent late by', latency.scheduleDelay],
  ]
  const { offered, achieved, delivered } = throughput
  return markup`<p>Offered ${showCount(offered)}, sent in time ${showCount(achieved)}, done ${showCount(delivered)} messages a second.</p>${tableOf(
    {
      caption:
        'Times after the warm-up; from when a message was to be sent, service from when it was',
      columns: ['', ...numbers('p50', 'p90', 'p99', 'p99.9', 'max', 'never')],
      rows: rows.map(([name, times]) => [name, ...numbers(...timesOf(times))]),
    },
  )}`
}

function timesOf({ count, p50, p90, p99, p999, max, unanswered }: Percentiles): string[] {
  const never =
    unanswered === 0 ? '0' : `${showCount(unanswered)} (${showShare(unanswered / count)})`
  const shown = (ms: number | null) => (ms === null ? (count === 0 ? '–' : '> run') : showMs(ms))
  return [p50, p90, p99, p999, max].map(shown).concat(never)
}

/** Of a broadcast: what was done, and when. */
export function bandsTable(bands: PictureData['bands']): Markup {
  return tableOf({
    caption: 'Each fault, until it was healed',
    columns: ['Fault', ...numbers('from', 'until')],
    rows: bands.map(({ what, fromMs, toMs }, at) => [
      `F${at + 1} ${what}`,
      ...numbers(showMs(fromMs), showMs(toMs)),
    ]),
  })
}

/** Faults in the order of their bands, `F1` first. */
export function recoveryTable({ account: { group }, recovery }: GroupReport): Markup {
  return tableOf({
    caption: `Each fault, and how long it was felt${group === null ? '' : `: ${group}`}`,
    columns: [
      'Fault',
      ...numbers('from', 'until', 'longest without ok', 'longest without done', 'drained after'),
      ...numbers('oldest message', 'most in the broker'),
    ],
    rows: recovery.map((one, at) => [
      `F${at + 1} ${faultName(one)}`,
      ...numbers(...figuresOf(one)),
    ]),
  })
}

function faultName({ fault, actor }: ReportedRecovery): string {
  return actor === null ? fault : `${fault}, ${actor.role} ${actor.actor}`
}

function figuresOf(one: ReportedRecovery): string[] {
  const { fromMs, toMs, rtoPublishMs, rtoConsumeMs, drainMs, oldestMs, backlogPeak } = one
  const time = (ms: number | null) => (ms === null ? '–' : showMs(ms))
  return [
    ...[fromMs, toMs, rtoPublishMs, rtoConsumeMs, drainMs, oldestMs].map(time),
    backlogPeak === null ? '–' : showCount(backlogPeak),
  ]
}
