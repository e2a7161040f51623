import { NarrowcastError } from '../../core/errors.ts'
import type { Place } from '../../core/message.ts'
import { parseDurationMs } from '../../core/url.ts'

/**
 * A place in a channel: `first`, `end`, `#1842`, an age such as `10m`, a time, or a message id.
 * @throws INVALID_CONFIG, naming the flag.
 */
export function parsePlace(flag: string, text: string, nowMs: number): Place {
  if (text === 'first' || text === 'end') return text
  if (text.startsWith('#') && text.length > 1) return { position: text.slice(1) }
  if (isDuration(text)) return { timeMs: nowMs - parseDurationMs(flag, text) }
  const timeMs = parseTime(text, nowMs)
  if (timeMs !== null) return { timeMs }
  if (text.length > 0 && !/\s/.test(text)) return { id: text }
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `${flag}: ${JSON.stringify(text)} is no place; expected first, end, #POSITION, 10m, a time or a message id`,
  )
}

/** When to stop: `end`, or the wall-clock time that `10m` or a time means. */
export function parseUntil(flag: string, text: string, nowMs: number): 'end' | { timeMs: number } {
  if (text === 'end') return 'end'
  if (isDuration(text)) return { timeMs: nowMs + parseDurationMs(flag, text) }
  const timeMs = parseTime(text, nowMs)
  if (timeMs !== null) return { timeMs }
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `${flag}: ${JSON.stringify(text)} is no end; expected end, a duration such as 10m, or a time such as 18:30`,
  )
}

/** A time gone by: an age such as `10m`, or a time. @throws INVALID_CONFIG, naming the flag. */
export function parseMoment(flag: string, text: string, nowMs: number): number {
  if (isDuration(text)) return nowMs - parseDurationMs(flag, text)
  const timeMs = parseTime(text, nowMs)
  if (timeMs !== null) return timeMs
  throw new NarrowcastError(
    'INVALID_CONFIG',
    `${flag}: ${JSON.stringify(text)} is no time; expected an age such as 10m, or a time such as 18:30`,
  )
}

function isDuration(text: string): boolean {
  return /^\d+(\.\d+)?(ms|s|m|min|h|d)$/.test(text)
}

/** RFC 3339, a date, or `18:30[:05]` of today in local time. */
function parseTime(text: string, nowMs: number): number | null {
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text)
  if (clock) {
    const date = new Date(nowMs)
    date.setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), 0)
    return date.getTime()
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null
  const timeMs = Date.parse(text)
  return Number.isNaN(timeMs) ? null : timeMs
}
