import type { LabEvent } from '../evidence/evidence.ts'
import { deadCauses } from '../evidence/record.ts'
import type { Terms } from '../terms.ts'
import type { GroupAccount } from './accounting.ts'
import { tellsMore } from './episodes.ts'
import { type GroupHistory, type History, marks, told } from './history.ts'
import { actorName } from './intervals.ts'
import { isWorker } from './load.ts'

const byFailures = 1 << deadCauses.indexOf('failures')
const byCrashes = 1 << deadCauses.indexOf('crashes')

export interface Counted {
  readonly counts: Omit<
    GroupAccount,
    'overlap' | 'lateUnfounded' | 'lost' | 'redelivered' | 'reprocessed'
  >
  /** Acknowledged, and not processed, dead or residual. By producer, start and sequence. */
  readonly lost: readonly number[]
  /** Delivered or done more than once. */
  readonly repeated: readonly number[]
  /** Settled late, once or more. */
  readonly late: readonly number[]
}

/** What can be said of each message by counts alone. */
export function countMessages(history: History, group: GroupHistory, terms: Terms): Counted {
  const counts = {
    group: group.group,
    attempted: 0,
    acknowledged: 0,
    failed: 0,
    indeterminate: 0,
    delivered: 0,
    processed: 0,
    dead: 0,
    residual: 0,
    stuck: 0,
    unsettled: 0,
    leftAcked: 0,
    ackedBeyond: 0,
    recovered: 0,
    phantom: 0,
    unexpected: group.unexpected,
    late: group.late,
    storedTwice: 0,
    effectNotOne: 0,
    deadUnfounded: 0,
    retriedBeyond: 0,
  }
  const lost: number[] = []
  const repeated: number[] = []
  const late: number[] = []
  for (let message = 0; message < history.messages; message++) {
    if (history.attempts[message] === 0) continue
    const outcome = outcomeOf(history.told[message] as number)
    const received = group.received[message] as number
    const done = group.done[message] as number
    const isDead = group.dead[message] !== 0
    const isLeft = group.left[message] !== 0
    const isSettled = done > 0 || isDead || isLeft
    counts.attempted++
    counts[outcome]++
    if (received > 0) counts.delivered++
    if (done > 0) counts.processed++
    if (isDead) counts.dead++
    if (isLeft) counts.residual++
    if (done > 0 && isLeft) counts.unsettled++
    if (isLeft && isAcked(message, history, group, terms)) counts.leftAcked++
    if (isAckedBeyond(message, history, group, terms)) counts.ackedBeyond++
    if (isSettled && !isDead && done !== 1) counts.effectNotOne++
    if (((group.marks[message] as number) & marks.storedTwice) !== 0) counts.storedTwice++
    if (outcome === 'acknowledged') {
      if (!isSettled) lost.push(message)
      if (isLeft && done === 0 && !isDead) counts.stuck++
    } else if (outcome === 'indeterminate') {
      if (isSettled) counts.recovered++
    } else if (received > 0 || isDead || isLeft) counts.phantom++
    if (received > 1 || done > 1) repeated.push(message)
    if (((group.marks[message] as number) & marks.late) !== 0) late.push(message)
    if (isDead && isUnfounded(message, history, group, terms)) counts.deadUnfounded++
    if (isRetriedBeyond(message, history, group, terms)) counts.retriedBeyond++
  }
  return { counts, lost, repeated, late }
}

/** Each copy of it, by a broker that confirms and had no fault since that makes it forget. */
function isAcked(message: number, history: History, group: GroupHistory, terms: Terms): boolean {
  const copies = Math.max(1, history.copies[message] as number)
  const isEach = terms.isSettleConfirmed && (group.acked[message] as number) >= copies
  return isEach && !mayBeForgotten(message, history, terms)
}

/** By more owners than it has copies. Where copies were seen at several places, that is told apart. */
function isAckedBeyond(
  message: number,
  history: History,
  group: GroupHistory,
  terms: Terms,
): boolean {
  const copies = Math.max(1, history.copies[message] as number)
  const isStoredTwice = ((group.marks[message] as number) & marks.storedTwice) !== 0
  const isBeyond = terms.isSettleConfirmed && (group.acked[message] as number) > copies
  return isBeyond && !isStoredTwice && !mayBeForgotten(message, history, terms)
}

/** Each copy may be given back, and be in the hands of workers that end, just so often: a copy is there
 * once more where a worker ended before the broker heard what became of it. */
function isRetriedBeyond(
  message: number,
  history: History,
  group: GroupHistory,
  terms: Terms,
): boolean {
  const { received, done, thrown, gaveUp, retried } = group
  const copies = Math.max(1, history.copies[message] as number)
  const ended =
    (done[message] as number) + (thrown[message] as number) + (gaveUp[message] as number)
  const isBeyond = (most: number) =>
    (retried[message] as number) > most * (terms.attempts - 1) ||
    (received[message] as number) - ended > most * terms.deliveriesMax
  if (!isBeyond(copies) || mayBeForgotten(message, history, terms)) return false
  return isBeyond(copies + lapsesSince(message, history, terms))
}

/** What the broker was told of it: some fault came since that makes it forget. */
function mayBeForgotten(message: number, { sentNs, events }: History, terms: Terms): boolean {
  const isLagging = terms.forgetsAcks.includes('worker-killed')
  return events.some(
    ({ how, toNs }) =>
      toNs >= (sentNs[message] as number) &&
      how !== null &&
      (isLagging || terms.forgetsAcks.includes(`broker-${how}`)),
  )
}

/** How often a worker may have ended, or stood still, between a verdict and the broker's hearing of it. */
function lapsesSince(message: number, { sentNs, events }: History, terms: Terms): number {
  if (!terms.forgetsAcks.includes('worker-killed')) return 0
  const sent = sentNs[message] as number
  return events.filter(
    (one, place) =>
      one.toNs >= sent &&
      silencing.includes(one.event) &&
      one.actor !== null &&
      isWorker(one.actor.role) &&
      tellsMore(one, place, events),
  ).length
}

/** What keeps a worker from telling the broker what it has acknowledged. */
const silencing: readonly LabEvent['event'][] = ['KILL', 'EXIT', 'STOP', 'BLOCK', 'NET_ON']

/** Workers of the lab say of no message that it is dead, and nothing they are sent is invalid. */
function isUnfounded(
  message: number,
  history: History,
  group: GroupHistory,
  terms: Terms,
): boolean {
  const by = group.deadBy[message] as number
  const isTooEarly =
    (group.thrown[message] as number) < terms.attempts ||
    group.deadFailures[message] !== terms.attempts
  return (
    ((by & byFailures) !== 0 && isTooEarly) ||
    ((by & byCrashes) !== 0 && mostOwners(message, history, group, terms) < terms.deliveriesMax) ||
    (by & ~(byFailures | byCrashes)) !== 0
  )
}

/**
 * Those that were handed it; where crashes are mixed with others at most all whose life or connection
 * ended since it was sent: nobody sees to whom it was on its way.
 */
function mostOwners(
  message: number,
  { sentNs, events, ledgers }: History,
  { group, received, cuts }: GroupHistory,
  { areCrashesMixed }: Terms,
): number {
  const owners = received[message] as number
  if (!areCrashesMixed) return owners
  const ours = ledgers.filter((one) => isWorker(one.role) && one.group === group).map(actorName)
  const dead = events.filter(tellsMore).flatMap(({ event, actor, toNs }) => {
    const isDeath = event === 'KILL' || event === 'EXIT'
    return isDeath && actor !== null && toNs >= (sentNs[message] as number) ? actorName(actor) : []
  })
  return Math.max(owners, new Set(dead.filter((name) => ours.includes(name))).size + cuts)
}

/** The best that was said of it. */
export function outcomeOf(said: number): 'acknowledged' | 'indeterminate' | 'failed' {
  if ((said & told.ok) !== 0) return 'acknowledged'
  return (said & told.info) !== 0 ? 'indeterminate' : 'failed'
}
