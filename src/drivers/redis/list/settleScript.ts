import { doneMark } from '../marks.ts'
import { Script } from '../script.ts'
import { channelScript, lanesLua, readyLua } from './lua.ts'

/** Acks of messages without a place in any order. Keys: held, flags. Replies how many there were. */
export const ackScript = new Script(`#!lua flags=allow-oom
local acked = redis.call('HDEL', KEYS[1], unpack(ARGV))
if acked > 0 then redis.call('HINCRBY', KEYS[2], 'out', acked) end
return acked
`)

/** Of each serial, whether a settlement of it that finds nothing came late. Keys: reader, lost. */
export const answerScript = new Script(`#!lua flags=no-writes
local last = tonumber(redis.call('HGET', KEYS[1], 'serial') or 0)
local answers = {}
for at, serial in ipairs(ARGV) do
  local isOurs = tonumber(serial) >= 1 and tonumber(serial) <= last
  answers[at] = isOurs and redis.call('HEXISTS', KEYS[2], serial) == 0 and 1 or 0
end
return answers
`)

/**
 * Settlements of every kind. Arguments: announce, tag of the reader, the number of its opening
 * (nothing is done for an older one) or '', and six of each: serial, kind, delayMs (of an ack: how long its mark is kept), failures, atMs, text (the last error, the
 * letter, the number of the key of the mark). Replies one number each, 1 for settled.
 */
export const settleScript = channelScript(
  readyLua,
  lanesLua,
  `
if ARGV[3] ~= '' and redis.call('HGET', reader, 'opened') ~= ARGV[3] then return {} end
local now = nowMs()
local flagged = redis.call('HMGET', flags, 'order', 'era')
local era = flagged[2] or '0'
local last = tonumber(redis.call('HGET', reader, 'serial') or 0)
local earliest = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
local outcomes, out, returned, isReady = {}, 0, 0, false
local function settle(m, kind, delayMs, failures, atMs, text)
  if kind == 'a' or kind == 'd' then
    if kind == 'd' then redis.call('XADD', dead, '*', 'message', m.element, 'letter', text, 'id', m.tag) end
    if leave(m, era) then isReady = true end
    if kind == 'a' then out = out + 1 else returned = returned + 1 end
    return
  end
  returned = returned + 1
  if kind == 'r' then
    m.failures = failures
    if m.last == '' then m.first = atMs end
    m.last = text
  end
  if tonumber(delayMs) <= 0 then
    isReady = true
    return ready(m, true)
  end
  if kind == 'r' and flagged[1] == 'skip' and isHead(m, era) then
    if leave(m, era) then isReady = true end
    m.place = string.sub(m.place, 1, -2) .. 'a'
  end
  redis.call('ZADD', delayed, whole(math.ceil(now + delayMs)), seal(m))
end
for at = 4, #ARGV, 6 do
  local serial, kind, delayMs, failures, atMs, text = unpack(ARGV, at, at + 5)
  local value = redis.call('HGET', held, serial)
  local isSettled = value and true
  if value then
    settle(open(value, ARGV[2] .. '-' .. serial), kind, delayMs, failures, atMs, text)
    redis.call('HDEL', held, serial)
  else
    isSettled = tonumber(serial) >= 1 and tonumber(serial) <= last and redis.call('HEXISTS', lost, serial) == 0
  end
  if isSettled and kind == 'a' and text ~= '' then
    redis.call('SET', KEYS[tonumber(text)], '${doneMark}', 'PX', delayMs)
  end
  outcomes[#outcomes + 1] = isSettled and 1 or 0
end
count('out', out)
count('returned', returned)
if isReady or redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2] ~= earliest then announce() end
return outcomes
`,
)
