import type { LedgerFile } from '../evidence/evidence.ts'
import type { Origins } from './origins.ts'
import { eachRecord } from './recordCursor.ts'

/** One record about a message, as much of it as an explanation needs. */
export interface TrailEntry {
  readonly type: number
  readonly flags: number
  /** Who wrote it: an index of the ledgers. */
  readonly ledger: number
  /** In routed and rerouted: the worker chosen, and its incarnation. */
  readonly actor: number
  readonly count: number
  readonly timeNs: number
}

/**
 * All that was written about some messages, whoever wrote it. What happens to most messages is
 * told by counts alone; these are the others.
 */
export class Trails {
  readonly #ends: Uint32Array
  readonly #type: Uint8Array
  readonly #flags: Uint8Array
  readonly #ledger: Uint16Array
  readonly #actor: Uint16Array
  readonly #count: Uint16Array
  readonly #timeNs: Float64Array

  /** `isWanted`: 1 for each message whose trail will be asked for. */
  constructor(
    ledgers: readonly LedgerFile[],
    origins: Origins,
    baseNs: bigint,
    isWanted: Uint8Array,
  ) {
    const ends = new Uint32Array(origins.messages)
    for (const { bytes } of ledgers) {
      eachRecord(bytes, baseNs, ({ producer, incarnation, sequence }) => {
        const message = origins.indexOf(producer, incarnation, sequence)
        if (isWanted[message] === 1) ends[message] = (ends[message] as number) + 1
      })
    }
    let total = 0
    for (let message = 0; message < ends.length; message++) {
      const count = ends[message] as number
      ends[message] = total
      total += count
    }
    // Each is moved on by every entry, and stands at the end of its message when all are there.
    this.#ends = ends
    this.#type = new Uint8Array(total)
    this.#flags = new Uint8Array(total)
    this.#ledger = new Uint16Array(total)
    this.#actor = new Uint16Array(total)
    this.#count = new Uint16Array(total)
    this.#timeNs = new Float64Array(total)
    ledgers.forEach(({ bytes }, ledger) => {
      eachRecord(bytes, baseNs, (record) => {
        const { producer, incarnation, sequence } = record
        const message = origins.indexOf(producer, incarnation, sequence)
        if (isWanted[message] !== 1) return
        const at = ends[message] as number
        ends[message] = at + 1
        this.#type[at] = record.type
        this.#flags[at] = record.flags
        this.#ledger[at] = ledger
        this.#actor[at] = record.actor
        this.#count[at] = record.count
        this.#timeNs[at] = record.timeNs
      })
    })
  }

  /** By time; what happened at the same time by ledger, then as it was written. */
  of(message: number): TrailEntry[] {
    const from = message === 0 ? 0 : (this.#ends[message - 1] as number)
    const to = this.#ends[message] as number
    const entries: TrailEntry[] = []
    for (let at = from; at < to; at++) {
      entries.push({
        type: this.#type[at] as number,
        flags: this.#flags[at] as number,
        ledger: this.#ledger[at] as number,
        actor: this.#actor[at] as number,
        count: this.#count[at] as number,
        timeNs: this.#timeNs[at] as number,
      })
    }
    return entries.sort((a, b) => a.timeNs - b.timeNs)
  }
}
