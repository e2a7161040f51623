import type { GroupAccount } from './accounting.ts'
import { type GroupHistory, type History, marks, told } from './history.ts'

export interface Counted {
  readonly counts: Omit<GroupAccount, 'overlap' | 'lost' | 'redelivered' | 'reprocessed'>
  /** Acknowledged, and not processed, dead or residual. By producer, start and sequence. */
  readonly lost: readonly number[]
  /** Delivered or done more than once. */
  readonly repeated: readonly number[]
}

/** What can be said of each message by counts alone. */
export function countMessages(history: History, group: GroupHistory): Counted {
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
  }
  return { counts, lost, repeated }
}

/** The best that was said of it. */
export function outcomeOf(said: number): 'acknowledged' | 'indeterminate' | 'failed' {
  if ((said & told.ok) !== 0) return 'acknowledged'
  return (said & told.info) !== 0 ? 'indeterminate' : 'failed'
}
