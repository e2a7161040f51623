import type { LedgerFile } from '../evidence/evidence.ts'
import { gapReasons, missedUnknown, recordTypes } from '../evidence/record.ts'
import type { Episode } from './episodes.ts'
import { actorName, type Interval } from './intervals.ts'
import { isWorker, type Loaded } from './load.ts'
import { eachRecord } from './recordCursor.ts'

const { recv, gap } = recordTypes
/** Above the places of all events. */
const firstPlace = 2 ** 32
const none: readonly never[] = []

/**
 * What live workers said that they missed. Nothing of that was sent before the worker subscribed,
 * or was older than what it had been handed by then.
 */
export class Gaps {
  readonly #overflows = new Map<string, Episode[]>()
  readonly #newest = new Map<string, number>()
  readonly #absences = new Map<string, Interval[]>()

  constructor(ledgers: readonly LedgerFile[], { history, origins }: Loaded) {
    const overflows: { actor: string; fromNs: number; toNs: number; most: number }[] = []
    for (const { sidecar, bytes } of ledgers) {
      if (!isWorker(sidecar.role)) continue
      const actor = actorName(sidecar)
      const begun = history.events.find(
        (one) => one.event === 'SUBSCRIBED' && one.actor !== null && actorName(one.actor) === actor,
      )
      if (!begun) continue
      let { fromNs } = begun
      const absences: Interval[] = []
      eachRecord(bytes, history.baseNs, (record) => {
        const { type, flags, count, timeNs: toNs } = record
        if (type === recv) {
          const { producer, incarnation, sequence } = record
          const message = origins.indexOf(producer, incarnation, sequence)
          const sentNs = history.sentNs[message] ?? Number.NaN
          if (sentNs > fromNs) fromNs = sentNs
        } else if (type === gap) {
          const most = count === missedUnknown ? Number.POSITIVE_INFINITY : count
          if (gapReasons[flags] === 'overflow') overflows.push({ actor, fromNs, toNs, most })
          if (gapReasons[flags] === 'reconnect') absences.push({ fromNs, toNs })
        }
      })
      this.#absences.set(actor, absences)
      this.#newest.set(actor, fromNs)
    }
    overflows.sort((a, b) => a.toNs - b.toNs)
    for (const [rank, { actor, ...overflow }] of overflows.entries()) {
      const own = this.#overflows.get(actor) ?? []
      own.push({ ...overflow, event: firstPlace + rank })
      this.#overflows.set(actor, own)
    }
  }

  /** What it had no room for, each with as many messages as it says. */
  overflowsOf(actor: string): readonly Episode[] {
    return this.#overflows.get(actor) ?? none
  }

  /** When it was away, however many messages it missed. */
  absencesOf(actor: string): readonly Interval[] {
    return this.#absences.get(actor) ?? none
  }

  /** When the newest message was sent that it was ever handed, or else it subscribed. */
  newestOf(actor: string): number {
    return this.#newest.get(actor) ?? Number.POSITIVE_INFINITY
  }
}
