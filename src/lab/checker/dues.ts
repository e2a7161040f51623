import type { Unheard } from './broadcastAccounting.ts'
import { type GroupHistory, type History, told } from './history.ts'
import { type Interval, shrunk, touches } from './intervals.ts'

interface Dues {
  readonly owed: number
  readonly edge: number
  /** Owed, and never delivered. */
  readonly missed: readonly number[]
}

/** What one subscriber was owed of the acknowledged messages, by the times at which it was live. */
export function duesOf(
  acknowledged: readonly number[],
  history: History,
  { received }: GroupHistory,
  lives: readonly Interval[],
  guardNs: number,
): Dues {
  const certain = shrunk(lives, guardNs)
  let owed = 0
  let edge = 0
  const missed: number[] = []
  for (const message of acknowledged) {
    const sentNs = history.sentNs[message] as number
    const okNs = history.okNs[message] as number
    if (certain.some(({ fromNs, toNs }) => fromNs <= sentNs && okNs <= toNs)) {
      owed++
      if (received[message] === 0) missed.push(message)
    } else if (lives.some((life) => touches(life, sentNs, okNs))) edge++
  }
  return { owed, edge, missed }
}

/** What was acknowledged while nobody was live. `lives`: of all subscribers. */
export function unheardOf(
  acknowledged: readonly number[],
  history: History,
  lives: readonly Interval[],
): Unheard {
  const unheard = acknowledged.filter((message) => {
    const sentNs = history.sentNs[message] as number
    const okNs = history.okNs[message] as number
    return !lives.some((life) => touches(life, sentNs, okNs))
  })
  const isTold = (message: number) => ((history.told[message] as number) & told.noReceiver) !== 0
  const reported = unheard.filter(isTold).length
  return { total: unheard.length, reported, silent: unheard.length - reported }
}
