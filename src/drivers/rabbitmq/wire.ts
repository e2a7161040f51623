import { isUtf8 } from 'node:buffer'
import { randomName } from '../../core/ids.ts'
import type { ErrorInfo, IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import type { AmqpMessage, AmqpProperties } from './client.ts'
import { isReserved, headerNames as names } from './headerNames.ts'
import { headerText } from './headerText.ts'

/** A short string of AMQP. */
const shortBytesMax = 255
/** That AMQP has room for it in a property, or as a routing key. */
export const isShort = (text: string) =>
  text.length <= shortBytesMax && Buffer.byteLength(text) <= shortBytesMax

/** What a message says of its way so far. */
export interface Past {
  readonly failures: number
  /** Of copies before this one. */
  readonly crashes: number
  readonly redrives: number
  readonly history: { readonly firstFailedMs: number; readonly last: ErrorInfo } | null
}

export interface Frame {
  readonly content: Buffer
  readonly properties: AmqpProperties
}

/** The data is the body; what the producer says of it lies in the properties that AMQP has for it. */
export function frameOf(message: OutgoingMessage, { isPlain }: { isPlain: boolean }): Frame {
  const { id, key, timeMs, headers, redrives, type, source, body } = message
  const isText = typeof body === 'string'
  const contentType = isText ? 'application/json' : 'application/octet-stream'
  const content = isText
    ? Buffer.from(body)
    : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (isPlain) return { content, properties: { contentType } }
  const said: Record<string, string | number> = { ...headers }
  said[names.time] = new Date(timeMs).toISOString()
  if (key !== null) said[names.subject] = key
  if (redrives > 0) said[names.redrives] = redrives
  const short = (name: string, text: string) => {
    if (isShort(text)) return text
    said[name] = text
    return undefined
  }
  const properties = {
    contentType,
    messageId: short(names.id, id),
    type: short(names.type, type),
    appId: short(names.source, source),
    headers: said,
  }
  return { content, properties }
}

/** `channel`: the type of what names none. A message without an id is given `nameless`, one by chance. */
export function messageOf(
  { content, properties }: AmqpMessage,
  channel: string,
  takenMs: number,
  nameless = () => `${channel}-${randomName(16)}`,
): IncomingMessage {
  const { messageId, type, appId, headers = {} } = properties
  const said = (name: string) => textOr(headers[name])
  return {
    id: textOr(messageId) ?? said(names.id) ?? nameless(),
    key: said(names.subject),
    timeMs: timeOf(properties) ?? takenMs,
    headers: usersOf(headers),
    type: textOr(type) ?? said(names.type) ?? channel,
    source: textOr(appId) ?? said(names.source) ?? 'narrowcast',
    body: bodyOf(content, properties.contentType),
    bytes: content.length,
  }
}

/** Its producer has given it one. */
export function hasId({ properties: { messageId, headers } }: AmqpMessage): boolean {
  return (textOr(messageId) ?? textOr(headers?.[names.id])) !== null
}

export function pastOf({ properties }: AmqpMessage): Past {
  const { headers = {} } = properties
  return {
    failures: countOf(headers[names.failures]),
    crashes: countOf(headers[names.crashes]),
    redrives: countOf(headers[names.redrives]),
    history: historyIn(headers[names.firstFailed], headers[names.lastError]),
  }
}

function historyIn(firstFailed: unknown, lastError: unknown): Past['history'] {
  if (firstFailed === undefined) return null
  const firstFailedMs = Date.parse(textOr(firstFailed) ?? '')
  const last = errorIn(parsed(lastError))
  return last === null || Number.isNaN(firstFailedMs) ? null : { firstFailedMs, last }
}

/**
 * How often the broker has given it out in vain, since it lies in this queue. One that was never
 * given out brings the header along from where it was before.
 */
export function returnsOf({ fields, properties }: AmqpMessage): number {
  return fields.redelivered ? countOf(properties.headers?.['x-delivery-count']) : 0
}

function usersOf(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const users: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    if (name === names.cc) users.CC = headerText(value)
    else if (name === 'CC' || !isReserved(name)) users[name] = headerText(value)
  }
  return users
}

/** The last moment of the year 9999. */
const timeMsMax = 253_402_300_799_999

/** Of foreign messages: seconds are all that AMQP has of its own, where some write milliseconds. */
export function timeOf({ headers = {}, timestamp }: AmqpProperties): number | null {
  const ms = Date.parse(textOr(headers[names.time]) ?? '')
  if (!Number.isNaN(ms)) return ms
  if (typeof timestamp !== 'number') return null
  const said = timestamp * 1_000 > timeMsMax ? timestamp : timestamp * 1_000
  return said <= timeMsMax ? said : null
}

/** JSON as text, all else as bytes. A foreign program need not say what it sends. */
function bodyOf(content: Buffer, contentType: unknown): string | Uint8Array {
  // To read as text what is none would change it.
  if (!isUtf8(content)) return new Uint8Array(content)
  const text = content.toString()
  const isJson =
    typeof contentType === 'string'
      ? /^application\/(.*\+)?json\b/i.test(contentType)
      : parsed(text) !== undefined
  return isJson ? text : new Uint8Array(content)
}

/** Whoever wrote it: what is read from a message need not be what we would have written. */
function errorIn(said: unknown): ErrorInfo | null {
  const { name, message } = (said ?? {}) as Partial<ErrorInfo>
  return typeof name === 'string' && typeof message === 'string' ? (said as ErrorInfo) : null
}

/** Of JSON text; undefined for anything else. */
export function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

const textOr = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
const countOf = (value: unknown) => (typeof value === 'number' && value > 0 ? Math.floor(value) : 0)
