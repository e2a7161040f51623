import type { OutgoingMessage } from '../../../core/message.ts'
import { headerKeys as keys } from './headerNames.ts'

/** What is written: headers may come more than once, and a map would keep the last. */
export interface OutgoingRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: HeaderList
  readonly timestampMs: number
}

/** As the client takes them: something that can be gone through, and says how many there are. */
export interface HeaderList extends Iterable<readonly [Buffer, Buffer | null]> {
  readonly size: number
}

export function headerList(all: readonly (readonly [Buffer, Buffer | null])[]): HeaderList {
  return { size: all.length, [Symbol.iterator]: () => all[Symbol.iterator]() }
}

const json = Buffer.from('application/json')
const bytes = Buffer.from('application/octet-stream')
const version = Buffer.from('1.0')

export interface Written {
  /** The data alone; Kafka's own key stays. */
  readonly isPlain: boolean
  readonly nowMs: number
}

/**
 * A topic may refuse what is said to come from the future, and finds a place by its time: a record
 * has the time of its producer as far as that has passed.
 */
export function recordOf(message: OutgoingMessage, { isPlain, nowMs }: Written): OutgoingRecord {
  const { id, key, timeMs, headers, delayMs, redrives, type, source, body } = message
  const isText = typeof body === 'string'
  const value = isText
    ? Buffer.from(body)
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const timestampMs = Math.max(0, Math.min(timeMs, nowMs))
  const record = { key: key === null ? null : Buffer.from(key), value, timestampMs }
  const said: [Buffer, Buffer][] = []
  if (!isPlain) {
    said.push(
      [keys.version, version],
      [keys.id, Buffer.from(id)],
      [keys.type, Buffer.from(type)],
      [keys.source, Buffer.from(source)],
      [keys.time, Buffer.from(new Date(timeMs).toISOString())],
    )
    for (const [name, text] of Object.entries(headers)) {
      said.push([Buffer.from(name), Buffer.from(text)])
    }
    if (redrives > 0) said.push([keys.redrives, Buffer.from(String(redrives))])
  }
  if (!isPlain || !isText) said.push([keys.contentType, isText ? json : bytes])
  if (delayMs > 0) said.push([keys.due, Buffer.from(String(nowMs + delayMs))])
  return { ...record, headers: headerList(said) }
}
