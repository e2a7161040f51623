import type { IncomingMessage, OutgoingMessage } from '../../core/message.ts'

/** What differs from the usual, short because it is written per message. */
interface Meta {
  /** key */
  k?: string
  /** headers */
  h?: Readonly<Record<string, string>>
  /** type, where it is not the channel's name */
  t?: string
  /** source, where it is not 'narrowcast' */
  s?: string
  /** redrives */
  r?: number
}

const sourceDefault = 'narrowcast'

/** The column `meta` of a message; null for one that has only a body. */
export function metaOf(message: OutgoingMessage, channel: string): string | null {
  const { key, headers, type, source, redrives } = message
  const meta: Meta = {}
  let isUsual = true
  for (const _ in headers) {
    meta.h = headers
    isUsual = false
    break
  }
  if (key !== null) {
    meta.k = key
    isUsual = false
  }
  if (type !== channel) {
    meta.t = type
    isUsual = false
  }
  if (source !== sourceDefault) {
    meta.s = source
    isUsual = false
  }
  if (redrives > 0) {
    meta.r = redrives
    isUsual = false
  }
  return isUsual ? null : JSON.stringify(meta)
}

/** `meta` with one redrive more. */
export function redrivenMeta(meta: string | null): { meta: string; redrives: number } {
  const was = meta === null ? {} : (JSON.parse(meta) as Meta)
  const redrives = (was.r ?? 0) + 1
  return { meta: JSON.stringify({ ...was, r: redrives }), redrives }
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

export interface Row {
  readonly id: string
  readonly timeMs: number
  readonly meta: string | null
  readonly body: string | Uint8Array
}

/** A message out of its row, and its redrives. `bytes` is the stored length of the body. */
export function messageOf(
  channel: string,
  { id, timeMs, meta, body }: Row,
  bytes: number,
): { message: IncomingMessage; redrives: number } {
  if (meta === null) {
    const message = {
      id,
      key: null,
      timeMs,
      headers: noHeaders,
      type: channel,
      source: sourceDefault,
      body,
      bytes,
    }
    return { message, redrives: 0 }
  }
  const { k, h, t, s, r } = JSON.parse(meta) as Meta
  const message = {
    id,
    key: k ?? null,
    timeMs,
    headers: h ?? noHeaders,
    type: t ?? channel,
    source: s ?? sourceDefault,
    body,
    bytes,
  }
  return { message, redrives: r ?? 0 }
}
