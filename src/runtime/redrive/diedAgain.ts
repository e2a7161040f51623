import type { BusAdmin } from '../api.ts'
import { deadEntries, type RedrivePlan } from './plan.ts'

/** Clocks of workers may be behind ours by so much. */
const clockSkewMs = 60_000

/** Counts the letters of a plan that were sent and are dead letters once more. */
export class DiedAgain {
  readonly #admin: Pick<BusAdmin, 'deadLetters'>
  readonly #plan: RedrivePlan
  readonly #sent: ReadonlySet<string>
  readonly #seen = new Set<string>()
  /** The newest dead letter of the last look: what lies behind it was looked at. */
  #newest: string | null = null

  constructor(admin: Pick<BusAdmin, 'deadLetters'>, plan: RedrivePlan) {
    this.#admin = admin
    this.#plan = plan
    this.#sent = new Set(plan.letters.map(({ id, redrives }) => nameOf(id, redrives + 1)))
  }

  /** Looks at what has died since the last look. @returns how many it has found by now. */
  async look(): Promise<number> {
    const { channel, to, plannedMs } = this.#plan
    let newest: string | null = null
    for await (const entry of deadEntries(this.#admin, to ?? channel, null, true)) {
      const { ref, message, letter } = entry
      newest ??= ref
      if (ref === this.#newest || letter.diedMs < plannedMs - clockSkewMs) break
      if (this.#sent.has(nameOf(message.id, letter.redrives))) this.#seen.add(ref)
    }
    this.#newest = newest
    return this.#seen.size
  }
}

/** A message dies under the same name only once: each redrive is counted in it. */
const nameOf = (id: string, redrives: number): string => `${redrives}~${id}`
