import type { LedgerFile } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import type { Origin } from './history.ts'
import { eachRecord } from './recordCursor.ts'

/** Where the messages of each start of a producer lie in the arrays of a history. */
export class Origins {
  readonly all: readonly Origin[]
  readonly messages: number
  readonly #byName = new Map<number, Origin>()
  #last: Origin | undefined

  /** Of everything that was ever published, by whichever incarnation. */
  constructor(ledgers: readonly LedgerFile[]) {
    const counts = new Map<number, number>()
    for (const { sidecar, bytes } of ledgers) {
      if (sidecar.role !== 'producer') continue
      eachRecord(bytes, 0n, ({ type, producer, incarnation, sequence }) => {
        if (type !== recordTypes.invoke) return
        const name = nameOf(producer, incarnation)
        const count = counts.get(name) ?? 0
        if (sequence >= count) counts.set(name, sequence + 1)
      })
    }
    let first = 0
    this.all = [...counts]
      .sort(([a], [b]) => a - b)
      .map(([name, count]) => {
        const origin = { producer: name >>> 16, incarnation: name & 0xffff, first, count }
        this.#byName.set(name, origin)
        first += count
        return origin
      })
    this.messages = first
  }

  /** −1: nobody has published it. */
  indexOf(producer: number, incarnation: number, sequence: number): number {
    let origin = this.#last
    if (origin?.producer !== producer || origin.incarnation !== incarnation) {
      origin = this.#byName.get(nameOf(producer, incarnation))
      if (!origin) return -1
      this.#last = origin
    }
    return sequence < origin.count ? origin.first + sequence : -1
  }
}

function nameOf(producer: number, incarnation: number): number {
  return ((producer << 16) | incarnation) >>> 0
}
