import type { ReaderSpec } from '../../core/channel.ts'
import type { Room } from '../../core/driver.ts'

/** A message that a reader held before it was opened again, and does not have in hand. */
export interface Regained {
  readonly serial: number
  readonly crashes: number
  readonly bytes: number
}

/**
 * What comes out of `receive` before anything else, uncharged: suspects apart from the healthy,
 * as everywhere.
 */
export class RegainedList {
  readonly #charge: ReaderSpec['charge']
  #rest: readonly Regained[]

  constructor(charge: ReaderSpec['charge'], all: readonly Regained[]) {
    this.#charge = charge
    this.#rest = all
  }

  get isEmpty(): boolean {
    return this.#rest.length === 0
  }

  pick(room: Room): readonly Regained[] {
    const first = this.#rest.find(({ crashes }) => crashes > 0) ?? this.#rest[0]
    const isAlone = first !== undefined && first.crashes > 0 && this.#charge === 'taken'
    const most = isAlone ? 1 : room.messages
    const picked = new Set<Regained>()
    let bytes = 0
    for (const one of this.#rest) {
      if (one.crashes !== first?.crashes) continue
      bytes += one.bytes
      if (picked.size >= most || (picked.size > 0 && bytes > room.bytes)) break
      picked.add(one)
    }
    this.#rest = this.#rest.filter((one) => !picked.has(one))
    return [...picked]
  }

  takeAll(): readonly Regained[] {
    const all = this.#rest
    this.#rest = []
    return all
  }
}
