import { randomName } from '../../core/ids.ts'
import type { ErrorInfo, IncomingMessage, OutgoingMessage } from '../../core/message.ts'
import type { AmqpMessage, AmqpProperties } from './client.ts'

/** Names of our own among the headers: those of CloudEvents 1.0 for AMQP, and what a retry keeps. */
const names = {
  id: 'ce-id',
  time: 'ce-time',
  subject: 'ce-subject',
  type: 'ce-type',
  source: 'ce-source',
  redrives: 'ce-redrivecount',
  failures: 'ce-errorcount',
  crashes: 'ce-crashcount',
  firstFailed: 'ce-firstfailed',
  lastError: 'ce-lasterror',
  letter: 'ce-deadletter',
} as const

const own: ReadonlySet<string> = new Set(Object.values(names))
/** What the broker writes there by itself. */
const ofBroker = /^x-(stream-offset|death|(first|last)-death-.*|delivery-count|acquired-count)$/

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

/** `channel`: the type of what names none. A message without an id is given one by chance. */
export function messageOf(
  { content, properties }: AmqpMessage,
  channel: string,
  takenMs: number,
): IncomingMessage {
  const { messageId, type, appId, headers = {} } = properties
  const said = (name: string) => textOr(headers[name])
  return {
    id: textOr(messageId) ?? said(names.id) ?? `${channel}-${randomName(16)}`,
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
  return textOr(messageId ?? headers?.[names.id]) !== null
}

export function pastOf({ properties }: AmqpMessage): Past {
  const { headers = {} } = properties
  const firstFailedMs = Date.parse(textOr(headers[names.firstFailed]) ?? '')
  const last = parsed(headers[names.lastError]) as ErrorInfo | undefined
  return {
    failures: countOf(headers[names.failures]),
    crashes: countOf(headers[names.crashes]),
    redrives: countOf(headers[names.redrives]),
    history: last === undefined || Number.isNaN(firstFailedMs) ? null : { firstFailedMs, last },
  }
}

/** How often the broker has given it out in vain, since it lies in this queue. */
export function returnsOf({ properties }: AmqpMessage): number {
  return countOf(properties.headers?.['x-delivery-count'])
}

/**
 * The same message once more, byte for byte, with another past: a message in a queue cannot be
 * changed. `id`: that it was handed out under.
 */
export function copyOf(
  { content, properties }: AmqpMessage,
  id: string,
  { failures, crashes, redrives, history }: Past,
  letter?: unknown,
): Frame {
  const said = Object.entries(properties.headers ?? {}).filter(
    ([name]) => !ofBroker.test(name) && name !== names.letter,
  )
  const headers: Record<string, unknown> = Object.fromEntries(said)
  const set = (name: string, value: unknown, isSaid: boolean) => {
    if (isSaid) headers[name] = value
    else delete headers[name]
  }
  set(names.failures, failures, failures > 0)
  set(names.crashes, crashes, crashes > 0)
  set(names.redrives, redrives, redrives > 0)
  set(names.firstFailed, history && new Date(history.firstFailedMs).toISOString(), history !== null)
  set(names.lastError, history && JSON.stringify(history.last), history !== null)
  set(names.letter, JSON.stringify(letter), letter !== undefined)
  const { contentType, type, appId, timestamp } = properties
  const messageId = isShort(id) ? id : undefined
  if (messageId === undefined) headers[names.id] = id
  return { content, properties: { contentType, type, appId, timestamp, messageId, headers } }
}

/** The same message once more, for another queue, as it was published. */
export function againOf({ content, properties }: AmqpMessage): Frame {
  const { contentType, messageId, type, appId, timestamp, headers = {} } = properties
  const said = Object.entries(headers).filter(([name]) => !ofBroker.test(name))
  return {
    content,
    properties: {
      contentType,
      messageId,
      type,
      appId,
      timestamp,
      headers: Object.fromEntries(said),
    },
  }
}

export function letterOf({ properties }: AmqpMessage): unknown {
  return parsed(properties.headers?.[names.letter])
}

function usersOf(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const users: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (own.has(name) || ofBroker.test(name) || value === undefined) continue
    users[name] = typeof value === 'string' ? value : JSON.stringify(value)
  }
  return users
}

/** Of foreign messages: seconds are all that AMQP has of its own. */
function timeOf({ headers = {}, timestamp }: AmqpProperties): number | null {
  const ms = Date.parse(textOr(headers[names.time]) ?? '')
  if (!Number.isNaN(ms)) return ms
  return typeof timestamp === 'number' ? timestamp * 1_000 : null
}

/** JSON as text, all else as bytes. A foreign program need not say what it sends. */
function bodyOf(content: Buffer, contentType: unknown): string | Uint8Array {
  if (typeof contentType === 'string') {
    return /^application\/(.*\+)?json\b/i.test(contentType)
      ? content.toString()
      : new Uint8Array(content)
  }
  const text = content.toString()
  return parsed(text) === undefined ? new Uint8Array(content) : text
}

function parsed(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

const textOr = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null)
const countOf = (value: unknown) => (typeof value === 'number' && value > 0 ? Math.floor(value) : 0)
