import { deadCauses, givenUpFlag, lateFlag, recordTypes, settlements } from '../evidence/record.ts'
import { DoneDelivery } from './doneDelivery.ts'
import { type GroupHistory, marks, noLedger } from './history.ts'
import type { Origins } from './origins.ts'
import type { RecordCursor } from './recordCursor.ts'
import type { StoredAt } from './storedAt.ts'

const { recv, done, settled, error, dead, left, cut } = recordTypes
const thrown = recordTypes.throw
const ack = settlements.indexOf('ack')
const retry = settlements.indexOf('retry')
const byFailures = deadCauses.indexOf('failures')
const countMax = 255

/** What the workers and the readers at the end of one group wrote down, gathered by message. */
export class GroupReading {
  readonly #group: string | null
  readonly #origins: Origins
  readonly #storedAt: StoredAt
  readonly #received: Uint8Array
  readonly #done: Uint8Array
  readonly #dead: Uint8Array
  readonly #left: Uint8Array
  readonly #marks: Uint8Array
  readonly #thrown: Uint8Array
  readonly #gaveUp: Uint8Array
  readonly #acked: Uint8Array
  readonly #retried: Uint8Array
  readonly #deadBy: Uint8Array
  readonly #deadFailures: Uint16Array
  readonly #firstReceivedNs: Float64Array
  readonly #firstDoneNs: Float64Array
  readonly #firstDoneBy: Uint16Array
  readonly #doneDelivery = new DoneDelivery()
  readonly #attempts: Uint16Array
  #unexpected = 0
  #late = 0
  #cuts = 0

  constructor(group: string | null, origins: Origins, attempts: Uint16Array, storedAt: StoredAt) {
    const { messages } = origins
    this.#group = group
    this.#origins = origins
    this.#storedAt = storedAt
    this.#attempts = attempts
    this.#received = new Uint8Array(messages)
    this.#done = new Uint8Array(messages)
    this.#dead = new Uint8Array(messages)
    this.#left = new Uint8Array(messages)
    this.#marks = new Uint8Array(messages)
    this.#thrown = new Uint8Array(messages)
    this.#gaveUp = new Uint8Array(messages)
    this.#acked = new Uint8Array(messages)
    this.#retried = new Uint8Array(messages)
    this.#deadBy = new Uint8Array(messages)
    this.#deadFailures = new Uint16Array(messages)
    this.#firstReceivedNs = new Float64Array(messages).fill(Number.NaN)
    this.#firstDoneNs = new Float64Array(messages).fill(Number.NaN)
    this.#firstDoneBy = new Uint16Array(messages).fill(noLedger)
  }

  of(record: RecordCursor, ledger: number): void {
    const { type, timeNs } = record
    const message = this.#origins.indexOf(record.producer, record.incarnation, record.sequence)
    if (message < 0 || this.#attempts[message] === 0) {
      if (type === recv) this.#unexpected++
      if (type === cut) this.#cuts++
      return
    }
    if (type === recv) {
      if (this.#received[message] !== 0) {
        const firstNs = this.#firstReceivedNs[message] as number
        this.#doneDelivery.receivedAgain(message, timeNs, firstNs, this.#done[message] !== 0)
      }
      count(this.#received, message)
      this.#storedAt.add(message, record.positionLow, record.positionHigh)
      if (!((this.#firstReceivedNs[message] as number) <= timeNs)) {
        this.#firstReceivedNs[message] = timeNs
      }
    } else if (type === done) {
      count(this.#done, message)
      if (!((this.#firstDoneNs[message] as number) <= timeNs)) {
        this.#firstDoneNs[message] = timeNs
        this.#firstDoneBy[message] = ledger
        this.#doneDelivery.done(message, this.#received[message] as number)
      }
    } else if (type === settled) {
      if ((record.flags & lateFlag) !== 0) {
        this.#late++
        this.#mark(message, marks.late)
      } else if (record.flags === ack) count(this.#acked, message)
      else if (record.flags === retry) count(this.#retried, message)
    } else if (type === thrown) {
      count((record.flags & givenUpFlag) === 0 ? this.#thrown : this.#gaveUp, message)
    } else if (type === error) {
      this.#mark(message, marks.error)
    } else if (type === dead) {
      count(this.#dead, message)
      const cause = Math.min(record.flags, 7)
      this.#deadBy[message] = (this.#deadBy[message] as number) | (1 << cause)
      if (cause === byFailures) {
        const most = Math.max(this.#deadFailures[message] as number, record.count)
        this.#deadFailures[message] = most
      }
    } else if (type === left) {
      count(this.#left, message)
    }
  }

  finish(): GroupHistory {
    for (let message = 0; message < this.#marks.length; message++) {
      if (this.#storedAt.isTwice(message)) this.#mark(message, marks.storedTwice)
    }
    for (const message of this.#doneDelivery.redelivered(this.#firstReceivedNs)) {
      this.#mark(message, marks.redelivered)
    }
    return {
      group: this.#group,
      received: this.#received,
      done: this.#done,
      dead: this.#dead,
      left: this.#left,
      marks: this.#marks,
      thrown: this.#thrown,
      gaveUp: this.#gaveUp,
      acked: this.#acked,
      retried: this.#retried,
      deadBy: this.#deadBy,
      deadFailures: this.#deadFailures,
      firstReceivedNs: this.#firstReceivedNs,
      firstDoneNs: this.#firstDoneNs,
      firstDoneBy: this.#firstDoneBy,
      unexpected: this.#unexpected,
      late: this.#late,
      cuts: this.#cuts,
    }
  }

  #mark(message: number, mark: number): void {
    this.#marks[message] = (this.#marks[message] as number) | mark
  }
}

function count(counts: Uint8Array, message: number): void {
  if ((counts[message] as number) < countMax) counts[message] = (counts[message] as number) + 1
}
