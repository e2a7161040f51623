import type { GapWhy } from '../../core/driver.ts'
import type { Count } from '../../core/message.ts'
import { countOf, showCount } from '../output/quantities.ts'

/** So many messages were missed, for one reason. */
export interface Gap {
  readonly missed: Count
  readonly why: GapWhy
}

/** What was missed, added up: one gap for each reason, and one more where nobody knows how much. */
export class Gaps {
  #gaps: Gap[] = []

  add(gap: Gap): void {
    const isAlike = (one: Gap) => one.why === gap.why && typeof one.missed === typeof gap.missed
    const before = this.#gaps.find(isAlike)
    const rest = this.#gaps.filter((one) => one !== before)
    this.#gaps = [...rest, { missed: sum(before?.missed ?? 0, gap.missed), why: gap.why }]
  }

  get isEmpty(): boolean {
    return this.#gaps.length === 0
  }

  /** All since this was asked last. */
  take(): readonly Gap[] {
    const gaps = this.#gaps
    this.#gaps = []
    return gaps
  }
}

export interface Missed {
  /** As far as anybody knows. */
  readonly missed: number
  /** More were missed, and nobody knows how many. */
  readonly isMissedUnknown: boolean
}

/** What the last line says of it. */
export function missedWords({ missed, isMissedUnknown }: Missed): string[] {
  if (missed === 0) return isMissedUnknown ? ['missed an unknown number'] : []
  return [`missed ${isMissedUnknown ? 'at least ' : ''}${showCount(missed)}`]
}

/** The line that tells of it. */
export function gapLine({ missed, why }: Gap): string {
  const much = missed === 'unknown' ? 'an unknown number of messages' : countOf(missed, 'message')
  return `missed ${much}: ${reasons[why]}`
}

const reasons: Readonly<Record<GapWhy, string>> = {
  overflow: 'overflow, more came than handlers took',
  reconnect: 'reconnect, a worker was away for longer than its lease',
}

function sum(one: Count, other: Count): Count {
  return one === 'unknown' || other === 'unknown' ? 'unknown' : one + other
}
