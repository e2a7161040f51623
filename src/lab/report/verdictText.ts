import { countOf, listed, showCount, showShare } from './amounts.ts'
import { deliveryWords } from './headline.ts'
import { trailInBrief } from './trailText.ts'
import type { Report, ReportedCheck, UpperBound } from './types.ts'
import { whatNext, withMore } from './whatNext.ts'
import { whyBroken } from './why.ts'

/** The verdict, what it rests on, and what it says nothing about. */
export function verdictLines(report: Report): string[] {
  const { status, notTested, stronger } = report.verdict
  const [first] = report.firsts
  return [
    ...labelled(status, grounds(report)),
    ...(status === 'BROKEN' ? labelled('Why', whyBroken(report)) : []),
    ...(first === undefined ? [] : labelled('First', [trailInBrief(first)])),
    ...labelled('Try', status === 'BROKEN' ? [whatNext(report)] : withMore(report)),
    ...(status !== 'KEPT' || stronger.length === 0
      ? []
      : labelled('Stronger', [
          `${listed(stronger)}: more than promised, in this run; no guarantee`,
        ])),
    ...labelled('Not tested', [notTested.join(', ')]),
  ]
}

function labelled(label: string, texts: readonly string[]): string[] {
  if (texts.length === 0) return []
  const [first = '', ...others] = texts
  const width = Math.max(12, label.length + 1)
  return [`${label.padEnd(width)}${first}`, ...others.map((text) => `${' '.repeat(width)}${text}`)]
}

/** What the verdict rests on, in sentences: the same for a terminal and for a page. */
export function grounds(report: Report): string[] {
  const { verdict, checks } = report
  if (verdict.status === 'INCONCLUSIVE') return [...verdict.reasons]
  if (verdict.status === 'KEPT') return [...legalLoss(report), ...certainty(report)]
  const broken = checks.filter(({ status }) => status === 'violated')
  const said = broken.map((check) => brokenText(check, report))
  const ofContract = contractText(report)
  return said.map((text, at) => (at === said.length - 1 ? `${text}${ofContract}` : text))
}

function brokenText(check: ReportedCheck, { groups, expected }: Report): string {
  const whose = check.group === null ? '' : `group ${check.group}: `
  const asked = expected === null ? '' : 'at least once was asked: '
  const account = groups?.find((one) => one.account.group === check.group)?.account
  if (check.id === 'lost' && account) {
    const lost = countOf(account.lost.total, 'acknowledged message')
    const were = account.lost.total === 1 ? 'was' : 'were'
    return `${whose}${asked}${lost} ${were} processed by nobody`
  }
  return `${whose}${check.promise}; seen: ${check.observed}`
}

function contractText({ verdict }: Report): string {
  if (verdict.ofContract === null) return ''
  if (verdict.ofContract === 'KEPT') return "  (the driver's own contract was kept)"
  if (verdict.ofContract === 'BROKEN') return "  (so was the driver's own contract)"
  return "  (whether the driver's own contract was kept is not known)"
}

/** A number, never a bare tick: what the contract allows may still be what somebody needs. */
function legalLoss({ contract, groups, broadcast }: Report): string[] {
  const words = deliveryWords(contract)
  const ofGroups = (groups ?? []).flatMap(({ account }) => {
    const { group, lost, acknowledged } = account
    if (lost.total === 0) return []
    const whose = group === null ? '' : `group ${group}: `
    const what = lost.worker === 0 ? 'not delivered' : 'not processed'
    const told = lost.silent === 0 ? 'all reported' : `${showCount(lost.silent)} of them silent`
    const share = `${showCount(lost.total)} of ${showCount(acknowledged)}`
    return [`${words}: ${whose}${share} ${what}, ${told}`]
  })
  if (!broadcast) return ofGroups
  const { unheard, acknowledged, subscribers } = broadcast
  const told = unheard.silent === 0 ? 'all reported' : `${showCount(unheard.silent)} of them silent`
  const nobody = `${showCount(unheard.total)} of ${showCount(acknowledged)} heard by nobody, ${told}`
  const missed = subscribers
    .filter((one) => one.missed.total > 0)
    .map(
      (one) => `worker ${one.subscriber} ${showCount(one.missed.total)} of ${showCount(one.owed)}`,
    )
  return [
    ...(unheard.total === 0 ? [] : [`${words}: ${nobody}`]),
    ...(missed.length === 0 ? [] : [`${words}: missed by ${listed(missed)}`]),
  ]
}

function certainty({ verdict, spec }: Report): string[] {
  const { upperBounds } = verdict
  if (upperBounds.length > 0) return upperBounds.map(boundText)
  const { killers, poisonShare } = spec.load
  const isHarmful = killers > 0 || poisonShare > 0
  const what = isHarmful ? 'nothing but messages did harm' : 'nothing was broken on purpose'
  return [`0 violations; ${what}`]
}

function boundText({ fault, episodes, share }: UpperBound): string {
  const word = fault.replaceAll('-', ' ')
  const many = word.endsWith('crash') ? `${word}es` : `${word}s`
  const all = `${showCount(episodes)} ${episodes === 1 ? word : many}`
  return `0 violations in ${all}: 95 % upper bound ${showShare(share)} per ${word}`
}
