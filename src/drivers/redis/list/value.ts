import type { ErrorInfo } from '../../../core/message.ts'

/**
 * A message that was never handed out lies as its producer wrote it, in the hand of its first
 * reader too. What must be kept beside it is written before it, once there is something:
 *
 *     \0 failures crashes sinceMs firstFailedMs lastSize place keySize tag \n key last element
 *
 * sinceMs: when it was due, 0: its own time. last: the last error, as JSON. tag: names this
 * message alone, and is the id of one without. place: where it stands in its key, `-` for nowhere.
 */
export interface Value {
  readonly failures: number
  readonly crashes: number
  readonly sinceMs: number
  readonly past: { readonly firstFailedMs: number; readonly last: ErrorInfo } | null
  readonly tag: string | null
  /** As its producer wrote it. */
  readonly element: Buffer
}

const headEnd = 0x0a

export function readValue(raw: Buffer): Value {
  if (raw[0] !== 0) return asWritten(raw)
  const end = raw.indexOf(headEnd)
  const words = raw.toString('latin1', 1, end).split(' ')
  const [failures, crashes, sinceMs, firstFailedMs, lastSize] = words.slice(0, 5).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const lastAt = end + 1 + Math.max(0, Number(words[6]))
  const elementAt = lastAt + lastSize
  const last = lastSize === 0 ? null : raw.toString('utf8', lastAt, elementAt)
  return {
    failures,
    crashes,
    sinceMs,
    past: last === null ? null : { firstFailedMs, last: JSON.parse(last) as ErrorInfo },
    tag: words[7] ?? null,
    element: raw.subarray(elementAt),
  }
}

/** What lies in `orders`, or died: nothing stands before it, whatever it begins with. */
export function asWritten(element: Buffer): Value {
  return { failures: 0, crashes: 0, sinceMs: 0, past: null, tag: null, element }
}

/** Lua: `fresh` and `open` take a value apart, `seal` puts it together. */
export const valueLua = String.raw`
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function whole(number) return string.format('%.0f', number) end
local function fresh(element, tag)
  return { failures = '0', crashes = 0, since = '0', first = '0', last = '', place = '-', tag = tag, element = element }
end
local function open(value, tag)
  if string.byte(value, 1) ~= 0 then return fresh(value, tag) end
  local failures, crashes, since, first, lastSize, place, keySize, own, at =
    string.match(value, '^%z(%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%-?%d+) (%S+)\n()')
  local key = nil
  keySize = tonumber(keySize)
  if keySize >= 0 then
    key = string.sub(value, at, at + keySize - 1)
    at = at + keySize
  end
  lastSize = tonumber(lastSize)
  return {
    failures = failures, crashes = tonumber(crashes), since = since, first = first, place = place, tag = own,
    key = key, last = string.sub(value, at, at + lastSize - 1), element = string.sub(value, at + lastSize),
  }
end
local function seal(m)
  return '\0' .. m.failures .. ' ' .. whole(m.crashes) .. ' ' .. m.since .. ' ' .. m.first .. ' ' .. #m.last .. ' '
    .. m.place .. ' ' .. (m.key and #m.key or -1) .. ' ' .. m.tag .. '\n' .. (m.key or '') .. m.last .. m.element
end
`
