import type { OutgoingMessage } from '../../core/message.ts'
import { canBeOneValue } from './oneValue.ts'
import { timeText } from './timeText.ts'

/** Names of our own beside those of CloudEvents 1.0. */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly time: string
  readonly subject?: string
  readonly datacontenttype?: string
  readonly data?: unknown
  readonly data_base64?: string
  /** JSON text: an attribute of CloudEvents is no object. */
  readonly headers?: string
  readonly traceparent?: string
  readonly redrivecount?: number
  readonly firstpublished?: string
  /** When it came in here, where `time` is another one. */
  readonly storedtime?: string
}

/**
 * One element of a list, or one message of Pub/Sub: CloudEvents 1.0 in its JSON form, the body as
 * it is. @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 * `storedMs`: when it comes in, said where the message has another time.
 */
export function cloudEventText(message: OutgoingMessage, storedMs: number | null = null): string {
  const { id, source, type, timeMs, key, headers, redrives, body } = message
  // Put together by hand: to write an object of these takes three times as long.
  let text = `{"specversion":"1.0","id":${quoted(id)},"source":${quoted(source)},"type":${quoted(type)},"time":"${timeText(timeMs)}"`
  if (key !== null) text += `,"subject":${quoted(key)}`
  text += headersText(headers)
  if (redrives !== 0) text += `,"redrivecount":${redrives}`
  if (storedMs !== null) text += `,"storedtime":"${timeText(storedMs)}"`
  return typeof body === 'string'
    ? `${text},"datacontenttype":"application/json","data":${body}}`
    : `${text},"data_base64":"${Buffer.from(body).toString('base64')}"}`
}

const quoted = (text: string) => JSON.stringify(text)

/** Attributes of CloudEvents are texts: all headers but one are one of them. */
function headersText(headers: Readonly<Record<string, string>>): string {
  for (const _ in headers) {
    const { traceparent, ...own } = headers
    const isAny = Object.keys(own).length > 0
    const ownText = isAny ? `,"headers":${quoted(JSON.stringify(own))}` : ''
    return traceparent === undefined ? ownText : `${ownText},"traceparent":${quoted(traceparent)}`
  }
  return ''
}

/** Of a message that does not say its own, whoever wrote it. */
export const sourceDefault = 'narrowcast'

/** What was read from the wire. Null is what a message of another program does not say. */
export interface WireMessage {
  readonly id: string | null
  readonly key: string | null
  readonly timeMs: number | null
  readonly headers: Readonly<Record<string, string>>
  readonly type: string | null
  readonly source: string | null
  readonly redrives: number
  readonly body: string | Uint8Array
  /** Of the body. */
  readonly bytes: number
}

const ownStartText = '{"specversion":"1.0","id":'
const dataMarkText = ',"datacontenttype":"application/json","data":'
const ownStart = Buffer.from(ownStartText)
const dataMark = Buffer.from(dataMarkText)
const closingBrace = 0x7d
/** Most of what we write: no key, headers or redrives, and nothing but plain ASCII around the data. */
const ownPlain =
  /^\{"specversion":"1\.0","id":"([ !#-[\]-~]+)","source":"([ !#-[\]-~]+)","type":"([ !#-[\]-~]+)","time":"([ !#-[\]-~]+)","datacontenttype":"application\/json","data":/
const ownPlainBytesMax = 512
const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/**
 * How many bytes its body has, without reading it: exact for JSON that this library wrote, else an
 * upper bound. `raw`: its bytes, each as one character.
 */
export function wireBodyBytes(raw: string): number {
  const isOurs = raw.startsWith(ownStartText) && raw.endsWith('}')
  const at = isOurs ? raw.indexOf(dataMarkText, ownStartText.length) : -1
  return at < 0 ? raw.length : raw.length - at - dataMarkText.length - 1
}

/**
 * A CloudEvent, or any other JSON as the data itself; what is no JSON is given as bytes. Never
 * throws. The body of what this library wrote is not parsed.
 */
export function readWire(raw: Buffer): WireMessage {
  const plainly = raw.at(-1) === closingBrace ? readPlainly(raw) : null
  if (plainly !== null) return plainly
  const at = dataAt(raw)
  if (at >= 0) {
    const event = parsed(`${raw.toString('utf8', 0, at)}}`)
    const end = raw.length - 1
    const start = at + dataMark.length
    const body = raw.toString('utf8', start, end)
    // A body that is no JSON makes the whole none: it is ours then, and given as it came.
    const isOurs = () => canBeOneValue(body) || parsed(raw.toString()) === undefined
    if (isEvent(event) && isOurs()) return messageOf(event, body, end - start)
  }
  const value = parsed(raw.toString())
  if (!isEvent(value)) return plain(raw, value)
  const { data, data_base64: base64 } = value
  if (typeof base64 === 'string') {
    const body = new Uint8Array(Buffer.from(base64, 'base64'))
    return messageOf(value, body, body.length)
  }
  const body = JSON.stringify(data ?? null)
  return messageOf(value, body, Buffer.byteLength(body))
}

/** The usual form by one look, in less than half the time of parsing its attributes. */
function readPlainly(raw: Buffer): WireMessage | null {
  const found = ownPlain.exec(raw.toString('latin1', 0, ownPlainBytesMax))
  if (found === null) return null
  const [attributes, id, source, type, time] = found as unknown as [string, ...ReadTexts]
  const [start, end] = [attributes.length, raw.length - 1]
  const body = raw.toString('utf8', start, end)
  if (!canBeOneValue(body)) return null
  return {
    ...{ id, key: null, timeMs: msOf(time), headers: noHeaders, type, source, redrives: 0 },
    body,
    bytes: end - start,
  }
}

type ReadTexts = [id: string, source: string, type: string, time: string]

/** Since when it is there, if it says so. */
export function storedAtMs(raw: Buffer): number | null {
  const at = dataAt(raw)
  const event = parsed(at < 0 ? raw.toString() : `${raw.toString('utf8', 0, at)}}`)
  if (!isEvent(event)) return null
  return msOf(event.storedtime ?? event.time)
}

function msOf(time: unknown): number | null {
  const ms = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}

/** Where the data of our own form begins: attributes are flat, so the first one is it. -1: none. */
function dataAt(raw: Buffer): number {
  const { length } = ownStart
  if (raw.length <= length || raw.compare(ownStart, 0, length, 0, length) !== 0) return -1
  return raw.at(-1) === closingBrace ? raw.indexOf(dataMark, length) : -1
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON value is read as this
  }
}

type Attributes = Readonly<Record<string, unknown>>

function isEvent(value: unknown): value is Attributes {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { specversion, id, type, source } = value as Attributes
  return (
    typeof specversion === 'string' &&
    specversion.startsWith('1.') &&
    [id, type, source].every((one) => typeof one === 'string' && one !== '')
  )
}

function plain(raw: Buffer, value: unknown): WireMessage {
  const body = value === undefined ? new Uint8Array(raw) : raw.toString()
  const unsaid = { id: null, key: null, timeMs: null, type: null, source: null }
  return { ...unsaid, headers: noHeaders, redrives: 0, body, bytes: raw.length }
}

function messageOf(event: Attributes, body: string | Uint8Array, bytes: number): WireMessage {
  const { subject, time, redrivecount } = event
  return {
    id: event.id as string,
    key: typeof subject === 'string' ? subject : null,
    timeMs: msOf(time),
    headers: headersOf(event),
    type: event.type as string,
    source: event.source as string,
    redrives: typeof redrivecount === 'number' ? redrivecount : 0,
    body,
    bytes,
  }
}

function headersOf({ headers, traceparent }: Attributes): Readonly<Record<string, string>> {
  if (headers === undefined && traceparent === undefined) return noHeaders
  const own = typeof headers === 'string' ? parsed(headers) : headers
  const texts = Object.entries(typeof own === 'object' && own !== null ? own : {}).filter(
    (one): one is [string, string] => typeof one[1] === 'string',
  )
  if (typeof traceparent === 'string') texts.push(['traceparent', traceparent])
  return Object.fromEntries(texts)
}
