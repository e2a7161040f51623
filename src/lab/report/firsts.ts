import type { BroadcastJudgement, Judgement } from '../checker/judge.ts'
import type { Loaded } from '../checker/load.ts'
import type { Identity } from '../identity.ts'
import { fates, fatesOf } from './fates.ts'
import { messageTrails, type TrailSource, type Wanted } from './messageTrail.ts'
import { oddMessages } from './oddMessages.ts'
import type { MessageTrail, ReportedCheck } from './types.ts'

const most = 32

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
  const samples = violated.flatMap((check) => samplesOf(check, judgement))
  const unexplained = samples.flatMap((one) => one.unexplainedSample).map(asWanted)
  const named = samples.flatMap((one) => one.sample ?? []).map(asWanted)
  const among = new Set(violated.map(({ id }) => looks[id.replace(/-\d+$/, '')] ?? ''))
  const seen = oddMessages(history, source.isBroadcast, among, most).first
  const isUnexplained = new Set(unexplained.map(nameOf))
  const all = new Map([...unexplained, ...named, ...seen].map((one) => [nameOf(one), one]))
  return messageTrails(source, [...all.values()])
    .map((trail, at) => ({ trail, rank: at < isUnexplained.size ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank || sentMs(a.trail) - sentMs(b.trail))
    .map(({ trail }) => trail)
    .slice(0, most)

  function asWanted(identity: Identity): Wanted {
    const { producer, incarnation, sequence } = identity
    const message = origins.indexOf(producer, incarnation, sequence)
    return { identity, fates: fatesOf(history, message, source.isBroadcast) }
  }
}

interface Samples {
  readonly sample?: readonly Identity[]
  readonly unexplainedSample: readonly Identity[]
}

/** The messages that the account names of what a check is about. */
function samplesOf(
  { id, group }: ReportedCheck,
  judgement: Judgement | BroadcastJudgement,
): Samples[] {
  if ('groups' in judgement) {
    return judgement.groups.flatMap(({ account }): Samples[] => {
      if (account.group !== group) return []
      if (id === 'lost' || id === 'told') return [account.lost]
      return id === 'redelivered' || id === 'reprocessed' ? [account[id]] : []
    })
  }
  const [, what, subscriber] = /^(missed|extra)-(\d+)$/.exec(id) ?? []
  return judgement.account.subscribers
    .filter((one) => String(one.subscriber) === subscriber)
    .map((one): Samples => (what === 'missed' ? one.missed : one.extra))
}

function nameOf({ identity: { producer, incarnation, sequence } }: Wanted): string {
  return `${producer} ${incarnation} ${sequence}`
}

function sentMs({ lines }: MessageTrail): number {
  return lines[0]?.atMs ?? 0
}
