import { duplicateFlag, recordTypes } from '../evidence/record.ts'
import { type History, told } from './history.ts'
import type { Origins } from './origins.ts'
import type { RecordCursor } from './recordCursor.ts'
import { unsound } from './soundRecords.ts'
import { StoredAt } from './storedAt.ts'

const { invoke, ok, fail, noWorker } = recordTypes

type Published = Pick<
  History,
  'attempts' | 'copies' | 'told' | 'key' | 'intendedNs' | 'sentNs' | 'okNs'
>

/** What producers and relays wrote down, gathered by message. */
export class PublishReading {
  /** Where the broker said that it has stored each. */
  readonly storedAt: StoredAt
  readonly attempts: Uint16Array
  readonly #copies: Uint16Array
  readonly #origins: Origins
  readonly #baseLow: number
  readonly #baseHigh: number
  readonly #answers: Uint16Array
  readonly #told: Uint8Array
  readonly #key: Uint16Array
  readonly #intendedNs: Float64Array
  readonly #sentNs: Float64Array
  readonly #okNs: Float64Array

  constructor(origins: Origins, baseNs: bigint) {
    const { messages } = origins
    this.storedAt = new StoredAt(messages)
    this.#origins = origins
    this.#baseLow = Number(baseNs & 0xffff_ffffn)
    this.#baseHigh = Number(baseNs >> 32n)
    this.attempts = new Uint16Array(messages)
    this.#copies = new Uint16Array(messages)
    this.#answers = new Uint16Array(messages)
    this.#told = new Uint8Array(messages)
    this.#key = new Uint16Array(messages)
    this.#intendedNs = new Float64Array(messages).fill(Number.NaN)
    this.#sentNs = new Float64Array(messages).fill(Number.NaN)
    this.#okNs = new Float64Array(messages).fill(Number.NaN)
  }

  ofProducer(record: RecordCursor): void {
    const { type, producer, incarnation, sequence, timeNs } = record
    const message = this.#origins.indexOf(producer, incarnation, sequence)
    if (message < 0) throw unanswered(producer, incarnation, sequence)
    if (type === invoke) {
      count(this.attempts, message)
      count(this.#copies, message)
      if ((this.#sentNs[message] as number) <= timeNs) return
      this.#sentNs[message] = timeNs
      this.#key[message] = record.key
      this.#intendedNs[message] =
        (record.positionHigh - this.#baseHigh) * 4_294_967_296 +
        (record.positionLow - this.#baseLow)
      return
    }
    count(this.#answers, message)
    const isDuplicate = type === ok && (record.flags & duplicateFlag) !== 0
    if (type === fail || isDuplicate) this.#copies[message] = (this.#copies[message] as number) - 1
    if (type !== ok) {
      this.#tell(message, type === fail ? told.fail : told.info)
      return
    }
    this.#tell(message, record.count === 0 ? told.ok | told.noReceiver : told.ok)
    if (!((this.#okNs[message] as number) <= timeNs)) this.#okNs[message] = timeNs
    this.storedAt.add(message, record.positionLow, record.positionHigh)
  }

  ofRelay({ type, producer, incarnation, sequence }: RecordCursor): void {
    if (type !== noWorker) return
    const message = this.#origins.indexOf(producer, incarnation, sequence)
    if (message >= 0) this.#tell(message, told.noWorker)
  }

  /** An attempt without an answer is one of which nobody knows. */
  finish(): Published {
    for (const { producer, incarnation, first, count } of this.#origins.all) {
      for (let message = first; message < first + count; message++) {
        const open = (this.attempts[message] as number) - (this.#answers[message] as number)
        if (open < 0) throw unanswered(producer, incarnation, message - first)
        if (open > 0) this.#tell(message, told.info)
      }
    }
    return {
      attempts: this.attempts,
      copies: this.#copies,
      told: this.#told,
      key: this.#key,
      intendedNs: this.#intendedNs,
      sentNs: this.#sentNs,
      okNs: this.#okNs,
    }
  }

  #tell(message: number, what: number): void {
    this.#told[message] = (this.#told[message] as number) | what
  }
}

function count(counts: Uint16Array, message: number): void {
  counts[message] = (counts[message] as number) + 1
}

function unanswered(producer: number, incarnation: number, sequence: number) {
  return unsound(
    `an outcome of message ${sequence} of producer ${producer}, start ${incarnation}, which has no such attempt`,
  )
}
