import type { Cause } from '../../terms.ts'
import type { ByCause, RepeatAccount } from '../accounting.ts'
import { firstOf, type Message } from './scene.ts'

/** A cause that fits, and what it costs where it is an excuse. */
export interface Match {
  readonly cause: Cause
  readonly isFree: boolean
  readonly spend: () => void
  /** When it is chosen, legal or not. */
  readonly note?: () => void
}

export function free(cause: Cause): Match {
  return { cause, isFree: true, spend: () => {} }
}

/** Where it stands, and how many messages it explains at most. */
export interface Room {
  readonly place: number
  readonly most: number
}

/** How many messages each event has explained, in one group. */
export interface Budget {
  /** A match by the earliest of these events that has room for the message; none: no match. */
  take(cause: Cause, message: Message, places: readonly number[]): Match[]
  /** The same of what has a room of its own. */
  takeFrom(cause: Cause, message: Message, rooms: readonly Room[]): Match[]
}

export function budgetOf(inHandMax: number): Budget {
  const explained = new Map<number, Set<string>>()
  const messagesOf = (place: number) => explained.get(place) ?? new Set<string>()
  const budget: Budget = {
    take: (cause, message, places) =>
      budget.takeFrom(
        cause,
        message,
        places.map((place) => ({ place, most: inHandMax })),
      ),
    takeFrom(cause, { m }, rooms) {
      const room = rooms
        .toSorted((one, other) => one.place - other.place)
        .find(({ place, most }) => messagesOf(place).has(m) || messagesOf(place).size < most)
      if (room === undefined) return []
      const { place } = room
      return [{ cause, isFree: false, spend: () => explained.set(place, messagesOf(place).add(m)) }]
    },
  }
  return budget
}

/** The first legal one, which is paid for; else the first; null: unexplained. */
export function choose(matches: readonly Match[], may: readonly Cause[]): Cause | null {
  const excuse = matches.find(({ cause }) => may.includes(cause))
  excuse?.spend()
  const chosen = excuse ?? matches[0]
  chosen?.note?.()
  return chosen?.cause ?? null
}

export function countCauses(chosen: readonly (Cause | null)[]): {
  readonly byCause: ByCause
  readonly unexplained: number
} {
  const byCause: ByCause = {}
  for (const cause of chosen) {
    if (cause !== null) byCause[cause] = (byCause[cause] ?? 0) + 1
  }
  return { byCause, unexplained: chosen.filter((cause) => cause === null).length }
}

/** Of deliveries or effects after the first, with the cause of each by its message. */
export function countRepeats(
  chosen: ReadonlyMap<Message, readonly (Cause | null)[]>,
): RepeatAccount {
  const all = [...chosen.values()].flat()
  const unexplained = [...chosen].filter(([, causes]) => causes.includes(null))
  return {
    total: all.length,
    ...countCauses(all),
    unexplainedSample: firstOf(unexplained.map(([message]) => message)),
  }
}
