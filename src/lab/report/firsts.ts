import type { BroadcastJudgement, Judgement } from '../checker/judge.ts'
import type { Loaded } from '../checker/load.ts'
import type { Identity } from '../identity.ts'
import { fates, fatesOf } from './fates.ts'
import { messageTrails, type TrailSource, type Wanted } from './messageTrail.ts'
import { oddMessages } from './oddMessages.ts'
import type { MessageTrail, ReportedCheck } from './types.ts'

const most = 32
/** Among so many the ones are looked for that nothing seems to explain. */
const candidatesMax = 10_000

/** What a message looks like that a check is about; of order and of foreign messages none does. */
const looks: Readonly<Record<string, string>> = {
  redelivered: fates.again,
  retried: fates.again,
  extra: fates.again,
  reprocessed: fates.twice,
  'stored-twice': fates.storedTwice,
  phantom: fates.phantom,
  left: fates.unsettled,
  stuck: fates.stuck,
  dead: fates.dead,
  unheard: fates.unheard,
}

/**
 * The first messages that violated checks are about, by the time at which they were sent. Where some
 * are explained by nothing, those before the others: a fault makes many that are as they may be.
 */
export function firstsOf(
  checks: readonly ReportedCheck[],
  judgement: Judgement | BroadcastJudgement,
  { history, origins }: Loaded,
  source: TrailSource,
): MessageTrail[] {
  const violated = checks.filter(({ status }) => status === 'violated')
  if (violated.length === 0) return []
  const isUnexplained = hasUnexplained(judgement)
  const named = violated.flatMap((check) => lostIn(check, judgement)).map(asWanted)
  const among = new Set(violated.map(({ id }) => looks[id.replace(/-\d+$/, '')] ?? ''))
  if (isUnexplained && violated.some(({ id }) => id === 'lost')) among.add(fates.lost)
  const candidates = isUnexplained ? candidatesMax : most
  const seen = oddMessages(history, source.isBroadcast, among, candidates).first
  const all = new Map([...named, ...seen].map((one) => [Object.values(one.identity).join(), one]))
  return messageTrails(source, [...all.values()])
    .map((trail) => ({ trail, rank: isUnexplained && looksExplained(trail) ? 1 : 0 }))
    .sort((a, b) => a.rank - b.rank || sentMs(a.trail) - sentMs(b.trail))
    .map(({ trail }) => trail)
    .slice(0, most)

  function asWanted(identity: Identity): Wanted {
    const { producer, incarnation, sequence } = identity
    const message = origins.indexOf(producer, incarnation, sequence)
    return { identity, fates: fatesOf(history, message, source.isBroadcast) }
  }
}

function lostIn({ id, group }: ReportedCheck, judgement: Judgement | BroadcastJudgement) {
  if ('groups' in judgement) {
    const whose = judgement.groups.find(({ account }) => account.group === group)
    return id === 'lost' || id === 'told' ? (whose?.account.lost.sample ?? []) : []
  }
  const [, subscriber] = /^missed-(\d+)$/.exec(id) ?? []
  const { subscribers } = judgement.account
  return subscribers.find((one) => String(one.subscriber) === subscriber)?.missed.sample ?? []
}

function hasUnexplained(judgement: Judgement | BroadcastJudgement): boolean {
  if (!('groups' in judgement)) return false
  return judgement.groups.some(({ account: { lost, redelivered, reprocessed } }) =>
    [lost, redelivered, reprocessed].some(({ unexplained }) => unexplained > 0),
  )
}

const explaining: readonly string[] = [
  ...['KILL', 'STOP', 'BLOCK', 'EXIT', 'CUT', 'REVOKE', 'GAP', 'NET_ON', 'BROKER_DOWN'],
  ...['NOWORKER', 'THROW', 'ERROR', 'LOST'],
]

/** Only for which comes first: whether it is explained was decided with more than this. */
function looksExplained({ lines }: MessageTrail): boolean {
  return lines.some(({ what, detail }) => explaining.includes(what) || detail === '0 receivers')
}

function sentMs({ lines }: MessageTrail): number {
  return lines[0]?.atMs ?? 0
}
