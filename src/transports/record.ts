import { uuid } from '../core/ids.ts'
import { type Destination, valueAt } from './routes.ts'

/** A record on its way into a channel. */
export interface RecordMessage {
  /** Given once, so that a message sent again is recognised. */
  readonly id: string
  readonly channel: string
  readonly key: string | null
  readonly timeMs: number
  readonly data: unknown
  /** Size as JSON text, about. */
  readonly bytes: number
  /** Never dropped: spilled to disk instead. */
  readonly keep: boolean
}

/** A longer text inside a record is cut here, with a mark. Kept records stay whole. */
export const textCharactersMax = 65_536

/**
 * A log record as a message: `id` from its field `mid`, else made here; time from `timestamp`,
 * else `time`, else `nowMs`; the record itself is the data.
 */
export function recordMessage(
  record: object,
  destination: Destination,
  given: {
    readonly bytes: number
    readonly keyPath: readonly string[] | null
    readonly nowMs: number
  },
): RecordMessage {
  const { mid, timestamp, time } = record as Record<string, unknown>
  const { bytes, keyPath, nowMs } = given
  const key = keyPath === null ? undefined : valueAt(record, keyPath)
  const isCut = bytes > textCharactersMax && !destination.keep
  return {
    id: typeof mid === 'string' && mid !== '' ? mid : uuid(),
    channel: destination.channel,
    key: typeof key === 'string' || typeof key === 'number' ? String(key) : null,
    timeMs: timeOf(timestamp) ?? timeOf(time) ?? nowMs,
    data: isCut ? cutTexts(record) : record,
    bytes,
    keep: destination.keep,
  }
}

/** Milliseconds since 1970 from a number (ms, or whole seconds as pino's unixTime) or a date text. */
function timeOf(value: unknown): number | null {
  if (typeof value === 'string') {
    const ms = Date.parse(value)
    return Number.isNaN(ms) ? null : ms
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return null
  const secondsMax = 100_000_000_000
  const ms = Math.round(value < secondsMax ? value * 1_000 : value)
  return ms <= 8_640_000_000_000_000 ? ms : null
}

function cutTexts(value: unknown): unknown {
  if (typeof value === 'string' && value.length > textCharactersMax) {
    return `${value.slice(0, textCharactersMax)}… [cut, ${value.length} characters]`
  }
  if (Array.isArray(value)) return value.map(cutTexts)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, cutTexts(part)]))
}
