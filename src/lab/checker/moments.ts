import type { LedgerFile } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import { actorName, type Interval } from './intervals.ts'
import { eachRecord } from './recordCursor.ts'

const { taken, revoke, cut, back, stall } = recordTypes
const none: readonly never[] = []

/** What actors wrote down about themselves rather than about a message, by actor. */
export class Moments {
  /** From CUT to BACK. */
  readonly #cuts = new Map<string, { fromNs: number; toNs: number }[]>()
  readonly #revokes = new Map<string, number[]>()
  readonly #stalls = new Map<string, Interval[]>()
  /** When a relay took something. */
  readonly #taken = new Map<string, number[]>()

  constructor(ledgers: readonly LedgerFile[], baseNs: bigint) {
    for (const { sidecar, bytes } of ledgers) {
      if (sidecar.role === 'producer') continue
      const name = actorName(sidecar)
      const cuts: { fromNs: number; toNs: number }[] = []
      const revokes: number[] = []
      const takes: number[] = []
      const stalls: Interval[] = []
      eachRecord(bytes, baseNs, ({ type, timeNs, positionLow, positionHigh }) => {
        if (type === cut) cuts.push({ fromNs: timeNs, toNs: Number.POSITIVE_INFINITY })
        else if (type === revoke) revokes.push(timeNs)
        else if (type === taken) takes.push(timeNs)
        else if (type === stall) {
          const lengthNs = positionHigh * 4_294_967_296 + positionLow
          stalls.push({ fromNs: timeNs - lengthNs, toNs: timeNs })
        } else if (type === back) {
          for (const one of cuts) if (one.toNs === Number.POSITIVE_INFINITY) one.toNs = timeNs
        }
      })
      this.#cuts.set(name, cuts)
      this.#revokes.set(name, revokes)
      this.#stalls.set(name, stalls)
      if (sidecar.role === 'relay') this.#taken.set(name, takes)
    }
  }

  cutsOf(actor: string): readonly Interval[] {
    return this.#cuts.get(actor) ?? none
  }

  /** Times at which partitions were taken from it. */
  revokesOf(actor: string): readonly number[] {
    return this.#revokes.get(actor) ?? none
  }

  /** When its event loop stood still. */
  stallsOf(actor: string): readonly Interval[] {
    return this.#stalls.get(actor) ?? none
  }

  /** When another relay first took something after that time. Infinity: none did. */
  takenOver(relay: string, afterNs: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const [name, times] of this.#taken) {
      if (name === relay) continue
      first = Math.min(first, times.find((timeNs) => timeNs > afterNs) ?? first)
    }
    return first
  }
}
