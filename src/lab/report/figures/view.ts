import { outcomeOf } from '../../checker/countMessages.ts'
import { duesOf } from '../../checker/dues.ts'
import { Episodes } from '../../checker/episodes.ts'
import type { GroupHistory, History } from '../../checker/history.ts'
import { actorName, type Interval } from '../../checker/intervals.ts'
import { isWorker, type Loaded } from '../../checker/load.ts'
import { Moments } from '../../checker/moments.ts'
import type { RunResult } from '../../run/result.ts'
import { readHistory } from '../readHistory.ts'
import { fatesOf, fatesOfBroadcast } from './fates.ts'

/** The messages in the eyes of one group, or of all subscribers of a broadcast together. */
export interface GroupView {
  readonly group: string | null
  /** More than one only of a broadcast: one of each subscriber. */
  readonly histories: readonly GroupHistory[]
  /** By message, as `fates` counts. */
  readonly fateOf: Uint8Array
}

export interface View extends Loaded {
  readonly views: readonly GroupView[]
}

export function viewOf({
  evidence,
  run,
  guardMs,
}: Pick<RunResult, 'evidence' | 'run' | 'guardMs'>): View {
  const { pattern, resumes } = run.terms
  const loaded = readHistory(evidence, pattern === 'broadcast')
  const { history } = loaded
  if (pattern !== 'broadcast') {
    const views = history.groups.map((group) => ({
      group: group.group,
      histories: [group],
      fateOf: fatesOf(history, group),
    }))
    return { ...loaded, views }
  }
  const histories = history.groups.filter(({ group }) => group !== null)
  const episodes = new Episodes(history.events)
  const moments = new Moments(evidence.ledgers, history.baseNs)
  const isMissed = missedOf(history, histories, guardMs * 1e6, (actor) =>
    episodes.livesOf(actor, resumes, moments.cutsOf(actor)),
  )
  const fateOf = fatesOfBroadcast(history, histories, isMissed)
  return { ...loaded, views: [{ group: null, histories, fateOf }] }
}

/** By message: 1 where a subscriber was owed it and did not get it. */
function missedOf(
  history: History,
  subscribers: readonly GroupHistory[],
  guardNs: number,
  livesOf: (actor: string) => readonly Interval[],
): Uint8Array {
  const isMissed = new Uint8Array(history.messages)
  const acknowledged = Array.from(history.attempts.keys()).filter(
    (message) =>
      history.attempts[message] !== 0 &&
      outcomeOf(history.told[message] as number) === 'acknowledged',
  )
  for (const subscriber of subscribers) {
    const names = history.ledgers
      .filter((one) => isWorker(one.role) && one.group === subscriber.group)
      .map(actorName)
    const lives = names.flatMap(livesOf)
    for (const message of duesOf(acknowledged, history, subscriber, lives, guardNs).missed) {
      isMissed[message] = 1
    }
  }
  return isMissed
}
