import type { GroupHistory, History } from './history.ts'
import type { TrailEntry, Trails } from './trails.ts'

export type TrailOf = (message: number) => TrailEntry[]

/** Trails without what the workers and readers of other groups wrote. */
export function groupTrails(history: History, group: GroupHistory, trails: Trails): TrailOf {
  const isOfGroup = history.ledgers.map(
    (one) => one.role === 'producer' || one.role === 'relay' || one.group === group.group,
  )
  return (message) => trails.of(message).filter(({ ledger }) => isOfGroup[ledger])
}
