import type { LedgerFile } from '../evidence/evidence.ts'
import { recordTypes } from '../evidence/record.ts'
import type { GroupHistory, History } from './history.ts'
import type { Loaded } from './load.ts'
import type { Origins } from './origins.ts'
import { PositionTable } from './positionTable.ts'
import { eachRecord, type RecordCursor } from './recordCursor.ts'

const { ok, recv, assign, revoke } = recordTypes

/** Where the broker says that it keeps the messages, in the eyes of one group. */
export interface GroupPositions {
  readonly group: string | null
  /**
   * First deliveries of a message, to a start of a worker which had been given that position or a
   * later one since it was last assigned or relieved of a partition.
   */
  readonly backwards: number
  /** Positions at which two messages were seen, by whoever published or was given them. */
  readonly conflict: number
}

/**
 * By group, as the history has them. Position 0 is none, and what nobody has published counts for
 * nothing. A record does not tell its partition: where one worker has several at a time, or
 * positions repeat from one to the next, this says nothing.
 */
export function positionsOf(
  ledgers: readonly LedgerFile[],
  { history, origins }: Loaded,
): GroupPositions[] {
  return history.groups.map((group) => {
    const reading = new Reading(group, history, origins)
    for (const { sidecar, bytes } of ledgers) {
      if (sidecar.role === 'producer') {
        eachRecord(bytes, history.baseNs, (record) => reading.ofProducer(record))
      } else if (sidecar.role !== 'relay' && sidecar.group === group.group) {
        reading.beginReader()
        eachRecord(bytes, history.baseNs, (record) => reading.ofReader(record))
      }
    }
    return { group: group.group, backwards: reading.backwards, conflict: reading.conflict }
  })
}

class Reading {
  backwards = 0
  readonly #table = new PositionTable()
  readonly #origins: Origins
  readonly #attempts: Uint16Array
  readonly #firstReceivedNs: Float64Array
  /** 1: its first delivery was read. Of several at that time it is the one that stands first. */
  readonly #wasDelivered: Uint8Array
  /** The largest that this reader was given; 0: none. */
  #low = 0
  #high = 0

  constructor(group: GroupHistory, { attempts, messages }: History, origins: Origins) {
    this.#origins = origins
    this.#attempts = attempts
    this.#firstReceivedNs = group.firstReceivedNs
    this.#wasDelivered = new Uint8Array(messages)
  }

  get conflict(): number {
    return this.#table.conflicts
  }

  ofProducer(record: RecordCursor): void {
    if (record.type === ok) this.#see(record)
  }

  beginReader(): void {
    this.#low = 0
    this.#high = 0
  }

  ofReader(record: RecordCursor): void {
    if (record.type === assign || record.type === revoke) this.beginReader()
    if (record.type !== recv) return
    const message = this.#see(record)
    if (message < 0) return
    const isFirst =
      this.#wasDelivered[message] === 0 && record.timeNs === this.#firstReceivedNs[message]
    if (isFirst) this.#wasDelivered[message] = 1
    const { positionLow: low, positionHigh: high } = record
    if (low === 0 && high === 0) return
    if (high > this.#high || (high === this.#high && low > this.#low)) {
      this.#low = low
      this.#high = high
    } else if (isFirst) this.backwards++
  }

  /** −1: nobody has published it. */
  #see({ producer, incarnation, sequence, positionLow, positionHigh }: RecordCursor): number {
    const message = this.#origins.indexOf(producer, incarnation, sequence)
    if (message < 0 || this.#attempts[message] === 0) return -1
    this.#table.see(positionLow, positionHigh, message)
    return message
  }
}
