import type { LedgerFile } from '../evidence/evidence.ts'
import { gapReasons, missedUnknown, recordTypes } from '../evidence/record.ts'
import type { Terms } from '../terms.ts'
import type { Episode } from './episodes.ts'
import { actorName, type Interval } from './intervals.ts'
import { isWorker, type Loaded } from './load.ts'
import { eachRecord } from './recordCursor.ts'

const { recv, gap } = recordTypes
/** Above the places of all events. */
const firstPlace = 2 ** 32
const none: readonly never[] = []
/** The one line of what comes in one order, and no key. */
const all = -1

/**
 * What live workers said that they missed. Nothing of that was sent before the worker subscribed,
 * or, where all comes in order, was older than what it had been handed by then.
 */
export class Gaps {
  readonly #overflows = new Map<string, Episode[]>()
  readonly #handed = new Map<string, Handed>()
  readonly #isOrderedByKey: boolean
  readonly #absences = new Map<string, Interval[]>()

  constructor(
    ledgers: readonly LedgerFile[],
    { history, origins }: Loaded,
    { isOrderedByKey }: Terms,
  ) {
    this.#isOrderedByKey = isOrderedByKey
    const overflows: { actor: string; fromNs: number; toNs: number; most: number }[] = []
    for (const { sidecar, bytes } of ledgers) {
      if (!isWorker(sidecar.role)) continue
      const actor = actorName(sidecar)
      const begun = history.events.find(
        (one) => one.event === 'SUBSCRIBED' && one.actor !== null && actorName(one.actor) === actor,
      )
      if (!begun) continue
      const handed = new Handed(begun.fromNs)
      const absences: Interval[] = []
      eachRecord(bytes, history.baseNs, (record) => {
        const { type, flags, count, timeNs: toNs } = record
        if (type === recv) {
          const { producer, incarnation, sequence } = record
          const message = origins.indexOf(producer, incarnation, sequence)
          handed.add(
            isOrderedByKey ? (history.key[message] as number) : all,
            history.sentNs[message],
          )
        } else if (type === gap) {
          const fromNs = handed.newestNs(all)
          const most = count === missedUnknown ? Number.POSITIVE_INFINITY : count
          if (gapReasons[flags] === 'overflow') overflows.push({ actor, fromNs, toNs, most })
          if (gapReasons[flags] === 'reconnect') absences.push({ fromNs, toNs })
        }
      })
      this.#absences.set(actor, absences)
      this.#handed.set(actor, handed)
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

  /**
   * When the newest message was sent that it was ever handed, or else it subscribed: of this key,
   * where others say nothing of it.
   */
  newestOf(actor: string, key: number): number {
    return (
      this.#handed.get(actor)?.newestNs(this.#isOrderedByKey ? key : all) ??
      Number.POSITIVE_INFINITY
    )
  }
}

/** When the newest message of each line was sent that a worker was handed, or else it subscribed. */
class Handed {
  readonly #begunNs: number
  readonly #newest = new Map<number, number>()

  constructor(begunNs: number) {
    this.#begunNs = begunNs
  }

  add(line: number, sentNs = Number.NaN): void {
    if (sentNs > this.newestNs(line)) this.#newest.set(line, sentNs)
  }

  newestNs(line: number): number {
    return this.#newest.get(line) ?? this.#begunNs
  }
}
