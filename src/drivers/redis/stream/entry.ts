import type { IncomingMessage, OutgoingMessage } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { timeText } from '../timeText.ts'
import { sourceDefault } from '../wire.ts'

/** An entry as the server gives it: id, then names and values of its fields. */
export type Entry = readonly [id: Buffer, fields: readonly Buffer[]]

export interface EntryMessage {
  readonly message: IncomingMessage
  readonly redrives: number
  /** A redriven message of a stream is for the group in which it died. */
  readonly onlyGroup: string | null
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
export function readEntry(channel: string, [idValue, fields]: Entry): EntryMessage {
  const entryId = idValue.toString()
  let headers: Record<string, string> | null = null
  let id: string | null = null
  let key: string | null = null
  let timeMs = Number.NaN
  let type = channel
  let source = sourceDefault
  let data: Buffer | null = null
  let redrives = 0
  let onlyGroup: string | null = null
  let isBytes = false
  for (let at = 0; at < fields.length; at += 2) {
    const name = nameOf(fields[at] as Buffer)
    const value = fields[at + 1] as Buffer
    if (name === 'data') data = value
    else if (name === 'id') id = value.toString()
    else if (name === 'time') timeMs = timeOf(value)
    else if (name === 'key') key = value.toString()
    else if (name === 'type') type = value.toString()
    else if (name === 'source') source = value.toString()
    else if (name === 'redrive-count') redrives = countOf(value.toString())
    else if (name === 'only-group') onlyGroup = value.toString()
    else if (name === 'datacontenttype') isBytes = value.toString() === bytesType
    else if (name === 'traceparent' || name.startsWith('h:')) {
      headers ??= {}
      headers[name === 'traceparent' ? name : name.slice(2)] = value.toString()
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
    bytes: data?.length ?? Buffer.byteLength(body),
  }
  return { message, redrives, onlyGroup }
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/** `data`, `time` and `id`, which nearly all entries have, as numbers: to make texts costs more. */
const [dataWord, timeWord, idWord] = [0x64617461, 0x74696d65, 0x6964]

function nameOf(value: Buffer): string {
  if (value.length === 4) {
    const word = value.readUInt32BE()
    if (word === dataWord) return 'data'
    if (word === timeWord) return 'time'
  }
  return value.length === 2 && value.readUInt16BE() === idWord ? 'id' : value.toString()
}

/** Those of a batch have one time: it is read once. */
function timesOf(): (text: Buffer) => number {
  let last = Buffer.alloc(0)
  let lastMs = Number.NaN
  return (text) => {
    if (!text.equals(last)) {
      lastMs = Date.parse(text.toString())
      last = Buffer.from(text) // all that came with it is not kept
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
    const value = String(fields[at + 1])
    const text = isJson(value) ? value : JSON.stringify(value)
    pairs.push(`${JSON.stringify(String(fields[at]))}:${text}`)
  }
  return `{${pairs.join(',')}}`
}

function countOf(value: string): number {
  const count = Number(value)
  return Number.isSafeInteger(count) && count > 0 ? count : 0
}
