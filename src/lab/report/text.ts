import type { JudgedFault } from '../run/result.ts'
import { showClock, showCount } from './amounts.ts'
import { broadcastLines } from './broadcastText.ts'
import { episodesOf } from './faultFacts.ts'
import { fact, groupLines } from './groupText.ts'
import { headline } from './headline.ts'
import { plain } from './plain.ts'
import { saturationText } from './saturation.ts'
import type { Report } from './types.ts'
import { verdictLines } from './verdictText.ts'

/** More are told by what they hit, not one by one. */
const episodesShownMax = 3

/** A report for a terminal: plain lines, without colour, as wide as their words. */
export function textOf(report: Report): string[] {
  const { groups, broadcast } = report
  return [
    headline(report),
    ...banners(report),
    ...faultLines(report),
    ...(groups ?? []).flatMap((group) => groupLines(group, report)),
    ...(broadcast === null ? [] : broadcastLines(broadcast, report)),
    ...biteLines(report),
    ...verdictLines(report),
  ].map(plain)
}

/** What makes times worth less than they seem. */
export function banners({ instrument, throughput, latency, verdict }: Report): string[] {
  const { isSaturated, isHarnessBound, ceilingPerSecond, disagreements } = instrument
  const offered = `${showCount(throughput.offered)}/s`
  const ceiling = `${showCount(ceilingPerSecond ?? 0)}/s that the lab itself can do here`
  return [
    ...(isSaturated ? [`SATURATED: ${saturationText({ throughput, latency })}`] : []),
    ...(isHarnessBound ? [`HARNESS-BOUND: ${offered} is more than half of the ${ceiling}`] : []),
    // Where that alone leaves it open, it is among the reasons.
    ...(verdict.status === 'BROKEN'
      ? disagreements.map((text) => `THE BROKER DISAGREES: ${text}`)
      : []),
  ]
}

function faultLines({ faults }: Report): string[] {
  const kinds = [...new Set(faults.map(({ kind }) => kind))]
  const episodes = kinds.flatMap((kind) => episodesOf(kind, faults))
  if (episodes.length > episodesShownMax) return []
  const lines = episodes.map((all) => `  ${episodeText(all)}`)
  return lines.toSorted()
}

function episodeText(all: readonly JudgedFault[]): string {
  const appliedMs = Math.min(...all.map((one) => one.appliedMs))
  const ended = all.map(({ endedMs }) => endedMs)
  const isOver = ended.every((ms) => ms !== null)
  const back = isOver ? `${showClock(Math.max(...ended))} back` : 'never back'
  return `${showClock(appliedMs)} ${doneTo(all)}      ${back}`
}

function doneTo(all: readonly JudgedFault[]): string {
  const targets = all.flatMap(({ target }) => target.split(', ')).sort()
  const whom = targets.map((target) => target.replace(/^(\w)\w+ (\d+)$/, '$1$2')).join(' ')
  const kind = all[0]?.kind
  if (kind === 'kill' || kind === 'broker-crash') return `SIGKILL ${whom}`
  if (kind === 'stop' || kind === 'broker-freeze') return `SIGSTOP ${whom}`
  if (kind === 'broker-stop') return `SIGTERM ${whom}`
  if (kind === 'block') return `${whom} blocked`
  return kind === 'leave' ? `${whom} told to leave` : `${kind} of ${whom} broken`
}

function biteLines({ bites, faults }: Report): string[] {
  const hands = faults.flatMap(({ inHand }) => inHand ?? [])
  const inHand = hands.length === 0 ? '' : ` (in hand ${hands.map(showCount).join(', ')})`
  return bites.map(({ what, atLeast, seen }, at) => {
    const text = `${what}: ${showCount(seen)}, at least ${showCount(atLeast)} wanted`
    return at === 0 ? fact('bite', `${text}${inHand}`) : fact('', text)
  })
}
