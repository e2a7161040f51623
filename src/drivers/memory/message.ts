import { Buffer } from 'node:buffer'
import type { ErrorInfo, IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import type { Reader } from './reader.ts'

/** A message as it lies in the store; never changed. */
export interface Stored {
  readonly seq: number
  readonly position: string
  readonly message: IncomingMessage
  readonly redrives: number
  /** Monotonic. */
  readonly storedMs: number
  /** Monotonic; not handed out before. */
  readonly dueMs: number
}

/** A message on its way through one line, from its first delivery or delay to its end. */
export interface Item {
  readonly stored: Stored
  failures: number
  crashes: number
  past: { readonly firstFailedMs: number; readonly last: ErrorInfo } | null
  /** behind: another one of its key comes first. */
  place: 'waiting' | 'behind' | 'scheduled' | 'in-flight'
  /** Monotonic, while scheduled. */
  dueMs: number
  /** The owner, while in flight. */
  owner: Reader | null
  serial: number
  /** Its place among those of its key; 0: it has none yet. */
  turn: number
}

export function newItem(stored: Stored): Item {
  return {
    stored,
    failures: 0,
    crashes: 0,
    past: null,
    place: 'waiting',
    dueMs: stored.dueMs,
    owner: null,
    serial: 0,
    turn: 0,
  }
}

export function bodyBytes(body: string | Uint8Array): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

function ownHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const _ in headers) return Object.freeze({ ...headers })
  return noHeaders
}

/** The stored form: nothing of it is shared with the publisher. */
export function incoming(message: OutgoingMessage, bytes: number): IncomingMessage {
  const { body } = message
  return {
    id: message.id,
    key: message.key,
    timeMs: message.timeMs,
    headers: ownHeaders(message.headers),
    type: message.type,
    source: message.source,
    body: typeof body === 'string' ? body : body.slice(),
    bytes,
  }
}

/** As it is handed out: whoever writes into its bytes changes no other delivery. */
export function handedOut(message: IncomingMessage): IncomingMessage {
  return typeof message.body === 'string' ? message : { ...message, body: message.body.slice() }
}
