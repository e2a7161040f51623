import { Script } from '../script.ts'

/**
 * Stores messages, each at once or when it is due. Keys: orders, delayed, flags, then those of
 * publish-dedupe. Arguments: announce, dedupe window in ms, and four of each message: element,
 * delayMs, the number of its dedupe key or 0, tag. Every key that is written is read before, so that
 * one of another program is met first; data first, then the marks. Replies one number
 * each, 1 for a duplicate, and at last 1 where others waited there before.
 */
export const publishScript = new Script(String.raw`#!lua
local orders, delayed, flags = unpack(KEYS)
local before = redis.call('LLEN', orders)
local flagged = redis.call('HMGET', flags, 'order', 'idle')
local order = flagged[1] or 'none'
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2]
if due and tonumber(due) <= now and order ~= 'none' then
  -- with order by key their place is when they are due: before what is published now
  local some = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, 500)
  for _, value in ipairs(some) do
    local tag, at = string.match(value, '^%z%d+ %d+ %d+ %d+ 0 %- %-1 (%+%S+)\n()')
    if tag then
      redis.call('LPUSH', orders, string.sub(value, at))
      redis.call('ZREM', delayed, value)
      redis.call('HINCRBY', flags, 'later', -1)
    end
  end
end
local outcomes, elements, scheduled, marks, seen = {}, {}, {}, {}, {}
for at = 3, #ARGV, 4 do
  local element, delayMs, number, tag = unpack(ARGV, at, at + 3)
  local mark = KEYS[tonumber(number)]
  if mark and (seen[mark] or redis.call('EXISTS', mark) == 1) then
    outcomes[#outcomes + 1] = 1
  else
    outcomes[#outcomes + 1] = 0
    if mark then
      seen[mark] = true
      marks[#marks + 1] = mark
    end
    if tonumber(delayMs) > 0 then
      local dueMs = string.format('%.0f', math.ceil(now + delayMs))
      scheduled[#scheduled + 1] = dueMs
      scheduled[#scheduled + 1] = '\0000 0 ' .. dueMs .. ' 0 0 - -1 ' .. tag .. '\n' .. element
    else
      elements[#elements + 1] = element
    end
  end
end
if #elements > 0 then redis.call('LPUSH', orders, unpack(elements)) end
if #scheduled > 0 then
  redis.call('ZADD', delayed, unpack(scheduled))
  redis.call('HINCRBY', flags, 'later', #scheduled / 2)
end
for _, mark in ipairs(marks) do redis.call('SET', mark, '1', 'PX', ARGV[2]) end
local isSooner = #scheduled > 0 and redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2] ~= due
local isWaitedFor = #elements > 0 and flagged[2]
if isWaitedFor then redis.call('HDEL', flags, 'idle') end
if isSooner or isWaitedFor then redis.call(ARGV[1], '{' .. orders .. '}:wake', '') end
outcomes[#outcomes + 1] = before > 0 and 1 or 0
return outcomes
`)
