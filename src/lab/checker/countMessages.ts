import { deadCauses } from '../evidence/record.ts'
import type { Terms } from '../terms.ts'
import type { GroupAccount } from './accounting.ts'
import { type GroupHistory, type History, marks, told } from './history.ts'

const byFailures = 1 << deadCauses.indexOf('failures')
const byCrashes = 1 << deadCauses.indexOf('crashes')

export interface Counted {
  readonly counts: Omit<GroupAccount, 'overlap' | 'lost' | 'redelivered' | 'reprocessed'>
  /** Acknowledged, and not processed, dead or residual. By producer, start and sequence. */
  readonly lost: readonly number[]
  /** Delivered or done more than once. */
  readonly repeated: readonly number[]
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
    if (isSettled && !isDead && done !== 1) counts.effectNotOne++
    if (((group.marks[message] as number) & marks.storedTwice) !== 0) counts.storedTwice++
    if (outcome === 'acknowledged') {
      if (!isSettled) lost.push(message)
      if (isLeft && done === 0 && !isDead) counts.stuck++
    } else if (outcome === 'indeterminate') {
      if (isSettled) counts.recovered++
    } else if (received > 0 || isDead || isLeft) counts.phantom++
    if (received > 1 || done > 1) repeated.push(message)
    if (isDead && isUnfounded(message, group, terms)) counts.deadUnfounded++
    const retriesMax = Math.max(1, history.copies[message] as number) * (terms.attempts - 1)
    if ((group.retried[message] as number) > retriesMax) counts.retriedBeyond++
  }
  return { counts, lost, repeated }
}

/** Workers of the lab say of no message that it is dead, and nothing they are sent is invalid. */
function isUnfounded(message: number, group: GroupHistory, terms: Terms): boolean {
  const by = group.deadBy[message] as number
  const isTooEarly =
    (group.thrown[message] as number) < terms.attempts ||
    group.deadFailures[message] !== terms.attempts
  return (
    ((by & byFailures) !== 0 && isTooEarly) ||
    ((by & byCrashes) !== 0 && (group.received[message] as number) < terms.deliveriesMax) ||
    (by & ~(byFailures | byCrashes)) !== 0
  )
}

/** The best that was said of it. */
export function outcomeOf(said: number): 'acknowledged' | 'indeterminate' | 'failed' {
  if ((said & told.ok) !== 0) return 'acknowledged'
  return (said & told.info) !== 0 ? 'indeterminate' : 'failed'
}
