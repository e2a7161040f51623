import type { Cause } from '../terms.ts'
import type { MissedAccount } from './broadcastAccounting.ts'
import type { History } from './history.ts'
import { identityOf, sampleMax } from './identityOf.ts'
import { type Interval, touches } from './intervals.ts'
import type { Scene } from './lossCauses.ts'

/** `missed`: messages, in order. `actors`: the names of all starts of the subscriber. */
export function missedAccount(
  missed: readonly number[],
  history: History,
  actors: readonly string[],
  scene: Scene,
): MissedAccount {
  const byCause: Partial<Record<Cause, number>> = {}
  let unexplained = 0
  for (const message of missed) {
    const sentNs = history.sentNs[message] as number
    const untilNs = (history.okNs[message] as number) + scene.guardNs
    const matches = causesBetween(sentNs, untilNs, actors, scene)
    const cause = matches.find((one) => scene.terms.mayLose.includes(one)) ?? matches[0]
    if (cause === undefined) unexplained++
    else byCause[cause] = (byCause[cause] ?? 0) + 1
  }
  const sample = missed.slice(0, sampleMax).map((message) => identityOf(message, history.origins))
  return { total: missed.length, byCause, unexplained, sample }
}

/** The preferred ones first. */
function causesBetween(
  fromNs: number,
  toNs: number,
  actors: readonly string[],
  { episodes, moments }: Scene,
): Cause[] {
  const isAway = (away: Interval) => touches(away, fromNs, toNs)
  const downs = episodes.brokerDowns.filter(isAway)
  const causes: Cause[] = []
  if (actors.some((actor) => moments.cutsOf(actor).some(isAway))) causes.push('cut-off')
  if (actors.some((actor) => episodes.netsOf(actor).some(isAway))) causes.push('network')
  if (downs.some(({ how }) => how === 'stop')) causes.push('broker-stop')
  if (downs.some(({ how }) => how === 'crash')) causes.push('broker-crash')
  return causes
}
