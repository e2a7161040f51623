import type { OutgoingMessage, PublishOutcome } from '../../core/message.ts'
import type { ChannelRow } from './channels.ts'
import { notFound } from './channels.ts'
import type { Database } from './database.ts'
import { metaOf } from './messageRow.ts'
import { Numbers } from './numbers.ts'
import { isOverLimit, trim } from './retention.ts'
import { channelLane, rowId } from './schema.ts'
import { awaken, lookMs } from './waiting.ts'

export interface Accepted {
  readonly message: OutgoingMessage
  /** Its place in the batch of the caller. */
  readonly at: number
}

export interface StoredBatch {
  readonly outcomes: [number, PublishOutcome][]
  readonly bells: readonly string[]
  /** Few reserved numbers are left. */
  readonly isLow: boolean
  /** Messages that retention removed; null: it was not tried. */
  readonly trimmed: number | null
}

interface HeadRow {
  readonly next_seq: number
  readonly reserved_seq: number
  readonly stored: number
  readonly bytes: number
}

/**
 * Inside a transaction: stores a batch, data first, dedupe marks beside it. Changes nothing when
 * the reserved numbers do not suffice.
 */
export function storeMessages(
  db: Database,
  channel: ChannelRow,
  batch: readonly Accepted[],
  nowMs: number,
  mayTrim: boolean,
): StoredBatch | 'no-numbers' {
  const head = db.get<HeadRow>(
    'SELECT next_seq, reserved_seq, stored, bytes FROM channel WHERE no = ?',
    channel.no,
  )
  if (!head) {
    throw notFound('publish', channel.name, `channel "${channel.name}" was removed from the store`)
  }
  if (head.next_seq + batch.length > head.reserved_seq) return 'no-numbers'
  const log = new LogWriter(db, channel, head.next_seq, nowMs)
  const outcomes = batch.map(({ message, at }): [number, PublishOutcome] => [
    at,
    storeOne(db, channel, log, message, nowMs),
  ])
  log.flush()
  const total = log.count + log.scheduled
  if (total === 0) return { outcomes, bells: [], isLow: false, trimmed: null }
  const isStream = channel.pattern === 'stream'
  db.run(
    `UPDATE channel SET next_seq = ?2, total_in = total_in + ?3, scheduled = scheduled + ?4,
       stored = stored + ?5, bytes = bytes + ?6 WHERE no = ?1`,
    channel.no,
    log.nextSeq,
    total,
    log.scheduled,
    isStream ? log.count : 0,
    log.bytes,
  )
  const isFull = isStream && isOverLimit(channel, head.stored + log.count, head.bytes + log.bytes)
  const trimmed = isFull && mayTrim ? trim(db, channel, nowMs) : null
  const isLow = Numbers.isLow({ next_seq: log.nextSeq, reserved_seq: head.reserved_seq })
  const soon = log.soonestMs - nowMs <= lookMs * 1.5 ? Number.POSITIVE_INFINITY : 0
  return { outcomes, bells: awaken(db, channel.no, Math.max(log.count, soon)), isLow, trimmed }
}

function storeOne(
  db: Database,
  channel: ChannelRow,
  log: LogWriter,
  message: OutgoingMessage,
  nowMs: number,
): PublishOutcome {
  const isDeduped = channel.dedupe_ms !== null && message.dedupeId !== null
  if (isDeduped) {
    const first = db.get<{ seq: number | null }>(
      'SELECT seq FROM dedupe WHERE channel = ? AND id = ? AND until_ms > ?',
      channel.no,
      message.dedupeId,
      nowMs,
    )
    if (first) {
      const position = first.seq === null ? {} : { position: String(first.seq) }
      return { state: 'stored', duplicate: true, ...position }
    }
  }
  const seq = message.delayMs > 0 ? log.schedule(message) : log.append(message)
  if (isDeduped) {
    db.run(
      'INSERT OR REPLACE INTO dedupe VALUES (?, ?, ?, ?)',
      channel.no,
      message.dedupeId,
      nowMs + (channel.dedupe_ms ?? 0),
      seq,
    )
  }
  if (seq === null) return { state: 'stored', duplicate: false }
  return { state: 'stored', duplicate: false, position: String(seq) }
}

type Cell = string | number | null | Uint8Array

/** Rows written by one statement: fewer calls into SQLite per message. */
const rowsPerInsert = 10
const columns = 4
const insertRows = (rows: number) => {
  const row = (n: number) => {
    const at = (k: number) => `?${4 + n * columns + k}`
    return `(${rowId('?1', `?2 + ${n}`)}, ${at(0)}, ${at(1)}, ?3, ${at(2)}, ${at(3)})`
  }
  return `INSERT INTO log VALUES ${Array.from({ length: rows }, (_, n) => row(n)).join(', ')}`
}
const insertMany = insertRows(rowsPerInsert)
const insertOne = insertRows(1)

/** Appends to a lane, in rows of ten. */
class LogWriter {
  count = 0
  scheduled = 0
  bytes = 0
  soonestMs = Number.POSITIVE_INFINITY
  readonly #db: Database
  readonly #channel: ChannelRow
  readonly #firstSeq: number
  readonly #nowMs: number
  #cells: Cell[] = []

  constructor(db: Database, channel: ChannelRow, firstSeq: number, nowMs: number) {
    this.#db = db
    this.#channel = channel
    this.#firstSeq = firstSeq
    this.#nowMs = nowMs
  }

  get nextSeq(): number {
    return this.#firstSeq + this.count
  }

  append(message: OutgoingMessage): number {
    const { id, timeMs, body } = message
    this.#cells.push(id, timeMs, metaOf(message, this.#channel.name), body)
    if (this.#channel.pattern === 'stream') {
      this.bytes += typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
    }
    this.count++
    if (this.#cells.length === rowsPerInsert * columns) {
      this.#insert(insertMany, this.nextSeq - rowsPerInsert, this.#cells)
      this.#cells = []
    }
    return this.nextSeq - 1
  }

  schedule(message: OutgoingMessage): null {
    const { id, timeMs, body, delayMs } = message
    const dueMs = Math.ceil(this.#nowMs + delayMs)
    this.#db.run(
      'INSERT INTO scheduled (channel, due_ms, id, time_ms, meta, body) VALUES (?, ?, ?, ?, ?, ?)',
      this.#channel.no,
      dueMs,
      id,
      timeMs,
      metaOf(message, this.#channel.name),
      body,
    )
    this.scheduled++
    this.soonestMs = Math.min(this.soonestMs, dueMs)
    return null
  }

  flush(): void {
    const rows = this.#cells.length / columns
    for (let n = 0; n < rows; n++) {
      const cells = this.#cells.slice(n * columns, (n + 1) * columns)
      this.#insert(insertOne, this.nextSeq - rows + n, cells)
    }
    this.#cells = []
  }

  #insert(sql: string, seq: number, cells: readonly Cell[]): void {
    this.#db.run(sql, channelLane(this.#channel.no), seq, this.#nowMs, ...cells)
  }
}
