import type { Cause } from '../../terms.ts'
import type { ByCause } from '../accounting.ts'
import type { Message } from './scene.ts'

/** A cause that fits, and what it costs to choose it. */
export interface Match {
  readonly cause: Cause
  readonly spend: () => void
}

export function free(cause: Cause): Match {
  return { cause, spend: () => {} }
}

/** How many messages each event has explained, in one group. */
export interface Budget {
  /** A match by the earliest of these events that has room for the message; none: no match. */
  take(cause: Cause, message: Message, places: readonly number[]): Match[]
}

export function budgetOf(inHandMax: number): Budget {
  const explained = new Map<number, Set<string>>()
  const messagesOf = (place: number) => explained.get(place) ?? new Set<string>()
  return {
    take(cause, { m }, places) {
      const place = places
        .toSorted((one, other) => one - other)
        .find((place) => messagesOf(place).has(m) || messagesOf(place).size < inHandMax)
      if (place === undefined) return []
      return [{ cause, spend: () => explained.set(place, messagesOf(place).add(m)) }]
    },
  }
}

/** The first legal one, else the first; null: unexplained. It is paid for. */
export function choose(matches: readonly Match[], may: readonly Cause[]): Cause | null {
  const chosen = matches.find(({ cause }) => may.includes(cause)) ?? matches[0]
  chosen?.spend()
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
