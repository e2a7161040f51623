import { isUtf8 } from 'node:buffer'
import type { ErrorInfo, IncomingMessage } from '../../../core/message.ts'
import { isReserved, headerNames as names } from './headerNames.ts'

/** One as it lies in a topic. */
export interface StoredRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  /** Null: a topic that is compacted forgets this key. */
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer, Buffer | null])[]
}

/** What it says of its way so far. */
export interface Past {
  readonly failures: number
  readonly crashes: number
  readonly redrives: number
  readonly history: { readonly firstFailedMs: number; readonly last: ErrorInfo } | null
  /** Wall-clock; null: now. */
  readonly dueMs: number | null
}

export interface Read {
  readonly message: IncomingMessage
  readonly past: Past
  /** `partition-offset` of where it was published. */
  readonly position: string
}

const none: Past = { failures: 0, crashes: 0, redrives: 0, history: null, dueMs: null }

/** `channel`: the type of what names none. */
export function read(record: StoredRecord, channel: string): Read {
  const said = new Map<string, string>()
  const users: Record<string, string> = {}
  let isMoved = false
  for (const [name, value] of record.headers) {
    const key = name.toString()
    const text = value === null ? '' : value.toString()
    if (!isReserved(key)) users[key] = text
    else said.set(key, text)
    isMoved ||= key === names.position || countedNames.has(key)
  }
  const position = said.get(names.position) ?? `${record.partition}-${record.offset}`
  const value = record.value ?? Buffer.alloc(0)
  const time = said.get(names.time)
  const timeMs = time === undefined ? Number.NaN : Date.parse(time)
  const message = {
    id: said.get(names.id) || position,
    key: record.key === null ? null : record.key.toString(),
    timeMs: Number.isNaN(timeMs) ? record.timestampMs : timeMs,
    headers: users,
    type: said.get(names.type) || channel,
    source: said.get(names.source) || 'narrowcast',
    body: bodyOf(value, said.get(names.contentType)),
    bytes: value.length,
  }
  return { message, position, past: isMoved ? pastOf(said) : none }
}

const countedNames: ReadonlySet<string> = new Set([
  names.redrives,
  names.failures,
  names.crashes,
  names.due,
])

function pastOf(said: ReadonlyMap<string, string>): Past {
  const due = said.get(names.due)
  return {
    failures: countOf(said.get(names.failures)),
    crashes: countOf(said.get(names.crashes)),
    redrives: countOf(said.get(names.redrives)),
    history: historyIn(said.get(names.firstFailed), said.get(names.lastError)),
    dueMs: due === undefined ? null : countOf(due),
  }
}

function historyIn(
  firstFailed: string | undefined,
  lastError: string | undefined,
): Past['history'] {
  const last = errorIn(parsed(lastError))
  const firstFailedMs = countOf(firstFailed)
  return last === null || firstFailed === undefined ? null : { firstFailedMs, last }
}

/** JSON as text, all else as bytes. A foreign program need not say what it sends. */
function bodyOf(value: Buffer, contentType: string | undefined): string | Uint8Array {
  if (contentType === 'application/json') return textOr(value)
  if (contentType === 'application/octet-stream' || !isUtf8(value)) return new Uint8Array(value)
  const text = value.toString()
  const isJson =
    contentType === undefined
      ? parsed(text) !== undefined
      : /^application\/(.*\+)?json\b/i.test(contentType)
  return isJson ? text : new Uint8Array(value)
}

/** To read as text what is none would change it. */
const textOr = (value: Buffer) => (isUtf8(value) ? value.toString() : new Uint8Array(value))

/** Whoever wrote it: what is read from a message need not be what we would have written. */
function errorIn(said: unknown): ErrorInfo | null {
  const { name, message } = (said ?? {}) as Partial<ErrorInfo>
  return typeof name === 'string' && typeof message === 'string' ? (said as ErrorInfo) : null
}

/** Of JSON text; undefined for anything else. */
export function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

function countOf(text: string | undefined): number {
  const count = Number(text)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
