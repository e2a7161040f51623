import type { Cause, Terms } from '../terms.ts'
import { causesOfKept, lossesOfLive, type OrderPromise, type RunTerms } from '../termsOf.ts'
import type { ByCause, GroupAccount, RepeatAccount } from './accounting.ts'
import { becauseText, countedText, type Explained } from './becauseText.ts'
import type { BroadcastAccount, SubscriberAccount } from './broadcastAccounting.ts'
import type { Order } from './order.ts'
import { silenceMsMin } from './silence.ts'

export type CheckStatus = 'held' | 'violated' | 'unknown'

/** One promise beside what was seen of it. */
export interface Check {
  readonly id: string
  readonly promise: string
  readonly observed: string
  readonly status: CheckStatus
}

/** Of one group of a queue, of narrowcast or of a stream. */
export function checksOf(
  account: GroupAccount,
  order: Order,
  keyOverlaps: number,
  run: RunTerms,
): Check[] {
  const { terms } = run
  const { lost } = account
  return [
    lossCheck('lost', 'accepted messages', lost, run),
    toldCheck(lost.silentByCause, terms),
    repeatCheck('redelivered', 'handed to a handler again', account.redelivered, terms),
    repeatCheck('reprocessed', 'done again', account.reprocessed, terms),
    ...(terms.mayRepeat.includes('producer-retry')
      ? []
      : [never('stored-twice', 'a message published again is stored once', account.storedTwice)]),
    ...always(account.phantom, account.unexpected),
    never('left', 'nothing that a worker has acknowledged is still there', account.leftAcked),
    never('stuck', 'nothing is left in the broker at the end', account.stuck),
    never(
      'dead',
      'a message is dead only when its tries or owners are used up',
      account.deadUnfounded,
    ),
    never(
      'late',
      'a settlement is late only where its worker lost the lease',
      account.lateUnfounded,
    ),
    never('fenced', 'of two owners at once only one settles', account.ackedBeyond),
    never('retried', 'a message is tried no more often than it may be', account.retriedBeyond),
    ...orderChecks(order, keyOverlaps, run.order),
  ]
}

/** Of all subscribers of a broadcast. */
export function broadcastChecks(account: BroadcastAccount, run: RunTerms): Check[] {
  const { terms } = run
  const { unheard, subscribers } = account
  const unexpected = subscribers.reduce((sum, one) => sum + one.unexpected, 0)
  return [
    ...subscribers.flatMap((one) => subscriberChecks(one, run)),
    toldCheck(unheard.silentByCause, terms),
    ...always(account.phantom, unexpected),
  ]
}

function subscriberChecks(
  { subscriber, missed, extra }: SubscriberAccount,
  run: RunTerms,
): Check[] {
  const whose = `subscriber ${subscriber}`
  return [
    lossCheck(`missed-${subscriber}`, `messages that ${whose} was owed`, missed, run),
    repeatCheck(`extra-${subscriber}`, `handed to ${whose} again`, extra, run.terms),
  ]
}

function lossCheck(
  id: string,
  what: string,
  losses: Explained,
  { terms, unknown }: RunTerms,
): Check {
  const legal = terms.mayLose
  const promise =
    legal.length === 0
      ? `no ${what} are lost`
      : `${what} are lost ${whenLegal(legal, lossesOfLive)}`
  const isUnknown = unknown.some((cause) => (losses.byCause[cause] ?? 0) > 0)
  const status = isIllegal(losses, legal) ? 'violated' : isUnknown ? 'unknown' : 'held'
  return { id, promise, observed: becauseText(losses), status }
}

function repeatCheck(id: string, what: string, repeats: RepeatAccount, terms: Terms): Check {
  return {
    id,
    promise: `${what} ${whenLegal(terms.mayRepeat, causesOfKept)}`,
    observed: becauseText(repeats),
    status: isIllegal(repeats, terms.mayRepeat) ? 'violated' : 'held',
  }
}

/** `possible`: all that ever may. A list of them says less than one word. */
function whenLegal(legal: readonly Cause[], possible: readonly Cause[]): string {
  const others = possible.filter((cause) => !legal.includes(cause))
  if (others.length === 0) return 'only where something that happened explains it'
  if (others.length === 1) return `only where something else than ${others[0]} explains it`
  return `only by ${listed(legal)}`
}

function isIllegal({ byCause, unexplained }: Explained, legal: readonly Cause[]): boolean {
  return (
    unexplained > 0 || (Object.keys(byCause) as Cause[]).some((cause) => !legal.includes(cause))
  )
}

function toldCheck(silent: ByCause, { tells }: Terms): Check {
  const untold: ByCause = Object.fromEntries(
    tells.flatMap((cause) => (silent[cause] ? [[cause, silent[cause]]] : [])),
  )
  const total = Object.values(untold).reduce((sum, count) => sum + count, 0)
  return {
    id: 'told',
    promise: `somebody is told of every loss by ${listed(tells)}`,
    observed: total === 0 ? 'all told' : `${total} silent: ${countedText(untold, 0)}`,
    status: total === 0 ? 'held' : 'violated',
  }
}

function orderChecks(
  { overall, byRedelivery }: Order,
  keyOverlaps: number,
  promise: OrderPromise,
): Check[] {
  if (promise === 'none') return []
  const inOrder =
    promise === 'key'
      ? never('order', 'done in order, key by key', overall.reordered)
      : never(
          'order',
          'done in order on the first try, key by key',
          overall.reordered - byRedelivery,
        )
  return [inOrder, never('one-of-a-key', 'one message of a key at a time', keyOverlaps)]
}

/** Where the broker gives a place once. */
export function placeCheck(conflicts: number): Check {
  return never('place', 'one place in the broker holds one message', conflicts)
}

/** `silenceMs` as `longestSilence` says. What a dead one held may be why nothing comes for longer. */
export function deafCheck(silenceMs: number, { reclaimWithinMs }: Terms): Check {
  const seconds = (ms: number) => `${Math.round(ms / 1_000).toLocaleString('en')} s`
  const limitMs = silenceMsMin + reclaimWithinMs
  return {
    id: 'deaf',
    promise: `nothing waits for ${seconds(limitMs)} while a worker is free`,
    observed: seconds(silenceMs),
    status: silenceMs >= limitMs ? 'violated' : 'held',
  }
}

function always(phantom: number, unexpected: number): Check[] {
  return [
    never('phantom', 'what was refused is never delivered', phantom),
    never(
      'unexpected',
      'nothing is delivered that was not sent, or not as it was sent',
      unexpected,
    ),
  ]
}

function never(id: string, promise: string, count: number): Check {
  return {
    id,
    promise,
    observed: count.toLocaleString('en'),
    status: count === 0 ? 'held' : 'violated',
  }
}

function listed(causes: readonly Cause[]): string {
  return causes.join(', ')
}
