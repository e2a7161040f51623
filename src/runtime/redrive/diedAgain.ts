import type { DeadEntry } from '../../core/driver.ts'
import type { BusAdmin } from '../api.ts'
import { deadEntries, type PlannedLetter, type RedrivePlan } from './plan.ts'

/** Clocks of workers may be behind ours by so much. */
const clockSkewMs = 60_000

/** Counts the letters of a plan that were sent and are dead letters once more. */
export class DiedAgain {
  readonly #admin: Pick<BusAdmin, 'deadLetters'>
  readonly #plan: RedrivePlan
  readonly #wasSent: (entry: DeadEntry) => boolean
  readonly #seen = new Set<string>()
  /** The newest dead letter of the last look: what lies behind it was looked at. */
  #newest: string | null = null

  constructor(admin: Pick<BusAdmin, 'deadLetters'>, plan: RedrivePlan) {
    this.#admin = admin
    this.#plan = plan
    this.#wasSent = sentBy(plan.letters)
  }

  /** Looks at what has died since the last look. @returns how many it has found by now. */
  async look(): Promise<number> {
    const { channel, to, plannedMs } = this.#plan
    let newest: string | null = null
    for await (const entry of deadEntries(this.#admin, to ?? channel, null, true)) {
      const { ref, letter } = entry
      newest ??= ref
      if (ref === this.#newest || letter.diedMs < plannedMs - clockSkewMs) break
      if (this.#wasSent(entry)) this.#seen.add(ref)
    }
    this.#newest = newest
    return this.#seen.size
  }
}

/** Whether a dead letter is one of these, sent and dead again. */
export function sentBy(letters: readonly PlannedLetter[]): (entry: DeadEntry) => boolean {
  const names = new Set(letters.map(({ id, redrives }) => nameOf(id, redrives + 1)))
  return ({ message, letter }) => names.has(nameOf(message.id, letter.redrives))
}

/** A message dies under the same name only once: each redrive is counted in it. */
const nameOf = (id: string, redrives: number): string => `${redrives}~${id}`
