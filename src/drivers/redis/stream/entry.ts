import type { IncomingMessage, OutgoingMessage } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { timeText } from '../timeText.ts'

/** An entry as the server gives it: id, then names and values of its fields. */
export type Entry = readonly [id: Buffer, fields: readonly Buffer[]]

export interface EntryMessage {
  readonly message: IncomingMessage
  readonly redrives: number
  /** A redriven message of a stream is for the group in which it died. */
  readonly onlyGroup: string | null
}

const bytesType = 'application/octet-stream'
const defaultSource = 'narrowcast'

/** The fields of an entry; what is as it is by default is left out. */
export function fieldsOf(channel: string, message: OutgoingMessage): Argument[] {
  const { id, key, timeMs, headers, type, source, redrives, body } = message
  const fields: Argument[] = [
    ...['data', typeof body === 'string' ? body : Buffer.from(body), 'id', id],
    ...['time', timeText(timeMs)],
  ]
  if (key !== null) fields.push('key', key)
  if (type !== channel) fields.push('type', type)
  if (source !== defaultSource) fields.push('source', source)
  for (const name in headers) {
    fields.push(name === 'traceparent' ? name : `h:${name}`, headers[name] as string)
  }
  if (key !== null || redrives > 0) fields.push('redrive-count', String(redrives))
  if (typeof body !== 'string') fields.push('datacontenttype', bytesType)
  return fields
}

/** Its fields are data, id and time, in this order: there is no more to say of it. */
export function isPlain(channel: string, message: OutgoingMessage): boolean {
  const { key, headers, type, source, redrives, body } = message
  if (key !== null || redrives > 0 || type !== channel || source !== defaultSource) return false
  for (const _ in headers) return false
  return typeof body === 'string'
}

/** Never throws. What another program wrote without `data` is an object of its fields. */
export function readEntry(channel: string, [idBytes, fields]: Entry): EntryMessage {
  const entryId = idBytes.toString('latin1')
  const headers: Record<string, string> = {}
  let [id, key, timeMs, type, source]: [string | null, string | null, number, string, string] = [
    ...([null, null, Number.NaN, channel, defaultSource] as const),
  ]
  let data: Buffer | null = null
  let redrives = 0
  let onlyGroup: string | null = null
  let isBytes = false
  for (let at = 0; at < fields.length; at += 2) {
    const value = fields[at + 1] as Buffer
    const name = nameOf(fields[at] as Buffer)
    if (name === 'data') data = value
    else if (name === 'id') id = value.toString()
    else if (name === 'time') timeMs = Date.parse(value.toString('latin1'))
    else if (name === 'key') key = value.toString()
    else if (name === 'type') type = value.toString()
    else if (name === 'source') source = value.toString()
    else if (name === 'redrive-count') redrives = countOf(value)
    else if (name === 'only-group') onlyGroup = value.toString()
    else if (name === 'datacontenttype') isBytes = value.toString() === bytesType
    else if (name === 'traceparent') headers[name] = value.toString()
    else if (name.startsWith('h:')) headers[name.slice(2)] = value.toString()
  }
  const body = data === null ? objectOf(fields) : bodyOf(data, isBytes, id !== null)
  const message = {
    ...{ id: id ?? entryId, key, headers, type, source, body },
    timeMs: Number.isNaN(timeMs) ? entryMs(entryId) : timeMs,
    bytes: data === null ? Buffer.byteLength(body) : data.length,
  }
  return { message, redrives, onlyGroup }
}

const nameBytesMax = 4
const frequent = ['data', 'id', 'time', 'key', 'type'].map((name) => ({
  name,
  bytes: Buffer.from(name),
}))

/** The names of nearly all fields are told apart without making texts of them. */
function nameOf(field: Buffer): string {
  if (field.length <= nameBytesMax) {
    for (const { name, bytes } of frequent) {
      if (bytes.length === field.length && bytes[0] === field[0] && bytes.equals(field)) return name
    }
  }
  return field.toString()
}

/** When the server stored an entry. */
export function entryMs(id: string): number {
  return Number(id.slice(0, id.indexOf('-')))
}

/** A body that we wrote is JSON unless it says otherwise; that of others is looked at. */
function bodyOf(data: Buffer, isBytes: boolean, isOurs: boolean): string | Uint8Array {
  if (isBytes) return data
  const text = data.toString()
  return isOurs || isJson(text) ? text : data
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function objectOf(fields: readonly Buffer[]): string {
  const pairs: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const value = (fields[at + 1] as Buffer).toString()
    const text = isJson(value) ? value : JSON.stringify(value)
    pairs.push(`${JSON.stringify((fields[at] as Buffer).toString())}:${text}`)
  }
  return `{${pairs.join(',')}}`
}

function countOf(value: Buffer): number {
  const count = Number(value.toString('latin1'))
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
