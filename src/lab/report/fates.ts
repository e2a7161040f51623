import { outcomeOf } from '../checker/countMessages.ts'
import { type GroupHistory, type History, marks } from '../checker/history.ts'

/** What can become of a message that is not plainly fine. */
export const fates = {
  lost: 'lost',
  stuck: 'left in the broker',
  unsettled: 'done, and left in the broker',
  again: 'delivered again',
  twice: 'done again',
  dead: 'dead',
  storedTwice: 'stored twice',
  phantom: 'refused, and there all the same',
  recovered: 'unknown, and there',
  refused: 'refused',
  unknown: 'unknown',
  unheard: 'heard by nobody',
  missed: 'not heard by all',
} as const
type Fate = (typeof fates)[keyof typeof fates]

/**
 * Empty: it was accepted, and done once by each group. Of a broadcast every subscriber has to be a
 * group by itself, and nobody says here what it was owed.
 */
export function fatesOf(history: History, message: number, isBroadcast: boolean): Fate[] {
  const outcome = outcomeOf(history.told[message] as number)
  const all = history.groups.flatMap((group) =>
    isBroadcast ? repeatsOf(group, message) : ofGroup(group, message, outcome),
  )
  const ofPublish = history.groups.some((group) => isThere(group, message))
    ? ({ acknowledged: [], failed: [fates.phantom], indeterminate: [fates.recovered] } as const)
    : ({ acknowledged: [], failed: [fates.refused], indeterminate: [fates.unknown] } as const)
  const heard = isBroadcast && outcome === 'acknowledged' ? hearingOf(history, message) : []
  return [...new Set<Fate>([...ofPublish[outcome], ...all, ...heard])]
}

function ofGroup(
  group: GroupHistory,
  message: number,
  outcome: ReturnType<typeof outcomeOf>,
): Fate[] {
  const isDone = group.done[message] !== 0
  const isDead = group.dead[message] !== 0
  const isLeft = group.left[message] !== 0
  const found: Fate[] = repeatsOf(group, message)
  if (outcome === 'acknowledged' && !isDone && !isDead && !isLeft) found.push(fates.lost)
  if (isLeft) found.push(isDone ? fates.unsettled : fates.stuck)
  if (isDead) found.push(fates.dead)
  return found
}

function repeatsOf(group: GroupHistory, message: number): Fate[] {
  const found: Fate[] = []
  if ((group.received[message] as number) > 1) found.push(fates.again)
  if ((group.done[message] as number) > 1) found.push(fates.twice)
  if (((group.marks[message] as number) & marks.storedTwice) !== 0) found.push(fates.storedTwice)
  return found
}

function isThere(group: GroupHistory, message: number): boolean {
  return [group.received, group.done, group.dead, group.left].some((one) => one[message] !== 0)
}

function hearingOf({ groups }: History, message: number): Fate[] {
  const heard = groups.filter(({ received }) => received[message] !== 0).length
  if (heard === groups.length) return []
  return [heard === 0 ? fates.unheard : fates.missed]
}
