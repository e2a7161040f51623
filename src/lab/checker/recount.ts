import type { LedgerFile } from '../evidence/evidence.ts'
import { lateFlag, recordTypes } from '../evidence/record.ts'
import { eachRecord, type RecordCursor } from './recordCursor.ts'

const { invoke, ok, recv, done, settled, dead, left } = recordTypes
const marks = { sent: 1, ok: 2, received: 4, done: 8, doneAgain: 16, dead: 32, left: 64 } as const
type Mark = (typeof marks)[keyof typeof marks]

/** Sums of records, and of the messages that have some. What nobody has sent is in `unexpected` alone. */
export interface Recount {
  readonly unexpected: number
  readonly receives: number
  readonly effects: number
  readonly late: number
  readonly sent: number
  readonly acknowledged: number
  readonly received: number
  readonly done: number
  readonly dead: number
  readonly left: number
  readonly doneAndLeft: number
  /** Acknowledged, and left alone. */
  readonly onlyLeft: number
  /** Acknowledged, and neither done, dead nor left. */
  readonly gone: number
  /** Done, dead or left, but not dead, and not done exactly once. */
  readonly doneNotOnce: number
}

/** What the ledgers say of one group, counted with nothing of what the account is made of. */
export function recountOf(ledgers: readonly LedgerFile[], group: string | null): Recount {
  const book = new MarkBook()
  const sums = { unexpected: 0, receives: 0, effects: 0, late: 0 }
  const sends = ledgers.filter(({ sidecar }) => sidecar.role === 'producer')
  const ours = ledgers.filter(
    ({ sidecar: { role, group: whose } }) =>
      role !== 'producer' && role !== 'relay' && whose === group,
  )
  for (const { bytes } of sends) {
    eachRecord(bytes, 0n, (record) => record.type === invoke && book.begin(record))
  }
  for (const { bytes } of sends) {
    eachRecord(bytes, 0n, (record) => record.type === ok && book.add(record, marks.ok))
  }
  for (const { bytes } of ours) {
    eachRecord(bytes, 0n, (record) => {
      const before = book.of(record)
      if (before === 0) {
        if (record.type === recv) sums.unexpected++
      } else if (record.type === recv) {
        sums.receives++
        book.add(record, marks.received)
      } else if (record.type === done) {
        sums.effects++
        book.add(record, (before & marks.done) === 0 ? marks.done : marks.doneAgain)
      } else if (record.type === settled) {
        if ((record.flags & lateFlag) !== 0) sums.late++
      } else if (record.type === dead) book.add(record, marks.dead)
      else if (record.type === left) book.add(record, marks.left)
    })
  }
  return { ...sums, ...messagesIn(book) }
}

function messagesIn(book: MarkBook): Omit<Recount, 'unexpected' | 'receives' | 'effects' | 'late'> {
  const has = (mark: Mark) => book.count(mark, mark)
  const { sent, ok: told, done: once, doneAgain, dead: buried, left: kept } = marks
  const all = once | buried | kept
  return {
    sent: has(sent),
    acknowledged: has(told),
    received: has(marks.received),
    done: has(once),
    dead: has(buried),
    left: has(kept),
    doneAndLeft: book.count(once | kept, once | kept),
    onlyLeft: book.count(told | all, told | kept),
    gone: book.count(told | all, told),
    doneNotOnce: book.count(buried | doneAgain, doneAgain) + book.count(all, kept),
  }
}

/** One byte for each message that was sent. */
class MarkBook {
  readonly #starts = new Map<number, Uint8Array>()

  begin(record: RecordCursor): void {
    const { sequence } = record
    const start = startOf(record)
    let bytes = this.#starts.get(start)
    if (bytes === undefined || sequence >= bytes.length) {
      const grown = new Uint8Array(Math.max(sequence + 1, 2 * (bytes?.length ?? 0)))
      grown.set(bytes ?? [])
      this.#starts.set(start, grown)
      bytes = grown
    }
    bytes[sequence] = marks.sent
  }

  /** 0: nobody has sent it. */
  of(record: RecordCursor): number {
    return this.#starts.get(startOf(record))?.[record.sequence] ?? 0
  }

  /** To what was sent. */
  add(record: RecordCursor, mark: Mark): void {
    const before = this.of(record)
    const bytes = this.#starts.get(startOf(record))
    if (before !== 0 && bytes) bytes[record.sequence] = before | mark
  }

  /** How many have of these marks just those. */
  count(among: number, wanted: number): number {
    let count = 0
    for (const bytes of this.#starts.values()) {
      for (const byte of bytes) if ((byte & among) === wanted) count++
    }
    return count
  }
}

function startOf({ producer, incarnation }: RecordCursor): number {
  return producer * 0x1_0000 + incarnation
}
