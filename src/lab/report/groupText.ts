import type { RepeatAccount } from '../checker/accounting.ts'
import { countedText } from '../checker/becauseText.ts'
import { countOf, showCount, showMs } from './amounts.ts'
import { showPercentiles } from './latencyText.ts'
import type { GroupReport, Report, ReportedEpoch, ReportedRecovery } from './types.ts'

/** What one group saw. */
export function groupLines(group: GroupReport, report: Report): string[] {
  const { account, latency } = group
  const { leaseMs } = report.terms.terms
  const lease = leaseMs === 0 ? '' : `                      lease ${showMs(leaseMs)}`
  const endToEnd = showPercentiles(latency.endToEnd, report)
  return [
    ...(account.group === null ? [] : [`  group ${account.group}`]),
    ...accountLines(group),
    fact('order', orderText(group, report)),
    ...evennessLine(group.evenness),
    ...(report.instrument.isSaturated ? [] : [fact('end to end', `${endToEnd}${lease}`)]),
    ...recoveryLine(group.recovery),
  ]
}

/** A line of the body: what it is about, then what is to be said of it. */
export function fact(what: string, text: string): string {
  return `  ${what.padEnd(12)}${text}`
}

function accountLines({ account }: GroupReport): string[] {
  const { lost, redelivered, reprocessed } = account
  const published = [
    `acknowledged ${showCount(account.acknowledged)} of ${showCount(account.attempted)}`,
    `unknown ${showCount(account.indeterminate)}`,
    `failed ${showCount(account.failed)}`,
  ].join('   ')
  const handled = [
    `processed ${showCount(account.processed)}`,
    ...(lost.total === 0 ? ['LOST 0'] : []),
    `stuck ${showCount(account.stuck)}`,
    `dead ${showCount(account.dead)}`,
    `unexpected ${showCount(account.unexpected)}`,
  ].join('   ')
  // Mostly they have the same causes.
  const isToldBelow = reprocessed.total > 0 && redelivered.unexplained === 0
  const repeats = [
    `redelivered ${showCount(redelivered.total)}${isToldBelow ? '' : explained(redelivered)}`,
    `reprocessed ${showCount(reprocessed.total)}${explained(reprocessed)}`,
    `overlap ${showCount(account.overlap)}`,
    `late ${showCount(account.late)}`,
  ].join('   ')
  return [`  ${published}      ${handled}`, `  ${repeats}`, ...lostLine(account.lost)]
}

function lostLine(lost: GroupReport['account']['lost']): string[] {
  if (lost.total === 0) return []
  const parts = [
    `LOST ${showCount(lost.total)} (${countedText(lost.byCause, lost.unexplained)})`,
    `reported ${showCount(lost.reported)}`,
    `silent ${showCount(lost.silent)}`,
    `${showCount(lost.worker)} delivered, ${showCount(lost.broker)} never`,
  ]
  return [`  ${parts.join('   ')}`]
}

function explained({ total, byCause, unexplained }: RepeatAccount): string {
  if (total === 0) return ''
  if (unexplained > 0) return ` (${countedText(byCause, unexplained)})`
  return ` (all explained: ${Object.keys(byCause).join(', ')})`
}

function orderText({ order }: GroupReport, { terms }: Report): string {
  const { overall, byRedelivery } = order
  const promised = `promised: ${terms.order}`
  if (overall.reordered === 0) return `0 reordered per key           ${promised}`
  const parts = [
    `${showCount(overall.reordered)} reordered per key`,
    `${showCount(byRedelivery)} by redelivery`,
    `largest extent ${showCount(overall.extentMax)}`,
  ]
  return `${parts.join(', ')}           ${promised}`
}

function evennessLine(epochs: readonly ReportedEpoch[]): string[] {
  if (epochs.length === 0) return []
  const judged = epochs.filter(({ isSkipped }) => !isSkipped)
  const skipped = epochs.length - judged.length
  const short = skipped === 0 ? '' : ` (${countOf(skipped, 'short one')} skipped)`
  if (judged.length === 0) return [fact('evenness', `too few messages to say${short}`)]
  const workers = Math.max(...judged.map((epoch) => epoch.workers.length))
  const worst = Math.max(...judged.map(({ maxOverMean }) => maxOverMean))
  const uneven = judged.filter(({ isUneven }) => isUneven).length
  const how = uneven === 0 ? 'even' : `UNEVEN in ${showCount(uneven)}`
  const of = `${countOf(judged.length, 'epoch')} of ${countOf(workers, 'worker')}`
  return [fact('evenness', `${of}, worst max/mean ${worst.toFixed(2)}: ${how}${short}`)]
}

/** The worst of all faults; one worker of many that dies shows in the latency. */
function recoveryLine(recovery: readonly ReportedRecovery[]): string[] {
  const felt = recovery.filter(({ fault }) => fault !== 'kill')
  if (felt.length === 0) return []
  const worst = (of: (one: ReportedRecovery) => number | null) => {
    const known = felt.map(of).filter((value) => value !== null)
    return known.length === 0 ? null : Math.max(...known)
  }
  const publish = worst(({ rtoPublishMs }) => rtoPublishMs)
  const consume = worst(({ rtoConsumeMs }) => rtoConsumeMs)
  const peak = worst(({ backlogPeak }) => backlogPeak)
  const drain = worst(({ drainMs }) => drainMs)
  const parts = [
    publish === null
      ? 'nothing accepted after the fault'
      : `nothing accepted for ${showMs(publish)}`,
    consume === null ? 'nothing done after the fault' : `nothing done for ${showMs(consume)}`,
    ...(peak === null ? [] : [`backlog at most ${showCount(peak)}`]),
    ...(drain === null ? [] : [`drained in ${showMs(drain)}`]),
  ]
  return [fact('recovery', parts.join(', '))]
}
