import type { IncomingMessage, OutgoingMessage } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { timeText } from '../timeText.ts'
import { sourceDefault } from '../wire.ts'

/** An entry as the server gives it: id, then names and values of its fields. */
export type Entry = readonly [id: Buffer, fields: readonly Buffer[]]

/** The same as texts: what is no text is not whole in it. */
export type TextEntry = readonly [id: string, fields: readonly string[]]

export interface EntryMessage {
  readonly message: IncomingMessage
  readonly redrives: number
  /** A redriven message of a stream is for the group in which it died. */
  readonly onlyGroup: string | null
  /** Its data is no text, and was read as one: it must be read again, as bytes. */
  readonly isBroken: boolean
}

const bytesType = 'application/octet-stream'

/** The fields of an entry; what is as it is by default is left out. */
export function fieldsOf(channel: string, message: OutgoingMessage): Argument[] {
  const { id, key, timeMs, headers, type, source, redrives, body } = message
  const fields: Argument[] = [
    ...['data', typeof body === 'string' ? body : Buffer.from(body), 'id', id],
    ...['time', timeText(timeMs)],
  ]
  if (key !== null) fields.push('key', key)
  if (type !== channel) fields.push('type', type)
  if (source !== sourceDefault) fields.push('source', source)
  for (const name in headers) {
    fields.push(name === 'traceparent' ? name : `h:${name}`, headers[name] as string)
  }
  if (redrives > 0) fields.push('redrive-count', String(redrives))
  if (typeof body !== 'string') fields.push('datacontenttype', bytesType)
  return fields
}

/** Its fields are data, id and time, in this order: there is no more to say of it. */
export function isPlain(channel: string, message: OutgoingMessage): boolean {
  const { key, headers, type, source, redrives, body } = message
  if (key !== null || redrives > 0 || type !== channel || source !== sourceDefault) return false
  for (const _ in headers) return false
  return typeof body === 'string'
}

/** Never throws. What another program wrote without `data` is an object of its fields. */
export function readEntry(channel: string, [idValue, fields]: Entry | TextEntry): EntryMessage {
  const entryId = textOf(idValue)
  let headers: Record<string, string> | null = null
  let id: string | null = null
  let key: string | null = null
  let timeMs = Number.NaN
  let type = channel
  let source = sourceDefault
  let data: Buffer | string | null = null
  let redrives = 0
  let onlyGroup: string | null = null
  let isBytes = false
  for (let at = 0; at < fields.length; at += 2) {
    const name = textOf(fields[at] as Buffer | string)
    const value = fields[at + 1] as Buffer | string
    if (name === 'data') data = value
    else if (name === 'id') id = textOf(value)
    else if (name === 'time') timeMs = timeOf(textOf(value))
    else if (name === 'key') key = textOf(value)
    else if (name === 'type') type = textOf(value)
    else if (name === 'source') source = textOf(value)
    else if (name === 'redrive-count') redrives = countOf(textOf(value))
    else if (name === 'only-group') onlyGroup = textOf(value)
    else if (name === 'datacontenttype') isBytes = textOf(value) === bytesType
    else if (name === 'traceparent' || name.startsWith('h:')) {
      headers ??= {}
      headers[name === 'traceparent' ? name : name.slice(2)] = textOf(value)
    }
  }
  const body = data === null ? objectOf(fields) : bodyOf(data, isBytes, id !== null)
  const message = {
    id: id ?? entryId,
    key,
    timeMs: Number.isNaN(timeMs) ? entryMs(entryId) : timeMs,
    headers: headers ?? noHeaders,
    type,
    source,
    body,
    bytes: Buffer.byteLength(data ?? body),
  }
  const isBroken = typeof data === 'string' && (isBytes || data.includes(broken))
  return { message, redrives, onlyGroup, isBroken }
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})
/** Stands in a text for what was none. */
const broken = '\ufffd'

const textOf = (value: Buffer | string) => (typeof value === 'string' ? value : value.toString())

/** Those of a batch have one time: it is read once. */
function timesOf(): (text: string) => number {
  let last = ''
  let lastMs = Number.NaN
  return (text) => {
    if (text !== last) {
      lastMs = Date.parse(text)
      last = text
    }
    return lastMs
  }
}

const timeOf = timesOf()

/** When the server stored an entry. */
export function entryMs(id: string): number {
  return Number(id.slice(0, id.indexOf('-')))
}

/** A body that we wrote is JSON unless it says otherwise; that of others is looked at. */
function bodyOf(data: Buffer | string, isBytes: boolean, isOurs: boolean): string | Uint8Array {
  const text = isBytes ? null : textOf(data)
  if (text !== null && (isOurs || isJson(text))) return text
  return typeof data === 'string' ? Buffer.from(data) : data
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function objectOf(fields: readonly (Buffer | string)[]): string {
  const pairs: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const value = textOf(fields[at + 1] as Buffer | string)
    const text = isJson(value) ? value : JSON.stringify(value)
    pairs.push(`${JSON.stringify(textOf(fields[at] as Buffer | string))}:${text}`)
  }
  return `{${pairs.join(',')}}`
}

function countOf(value: string): number {
  const count = Number(value)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
