import { nobody } from './keys.ts'

/** A full server must be drainable: only what stores messages is refused there. */
const drains = '#!lua flags=allow-oom'

const common = `
local stream, flags, idle, delayed, delayedMessages = unpack(KEYS, 1, 5)
local publish = ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- of what an entry carries: its data, or all of its fields
local function sizeOf(fields)
  local size = 0
  for n = 1, #fields, 2 do
    if fields[n] == 'data' then return #fields[n + 1] end
    size = size + #fields[n] + #fields[n + 1]
  end
  return size
end
local function wake()
  if redis.call('DEL', idle) == 1 then redis.call(publish, '{' .. stream .. '}:wake', '') end
end
`

/**
 * What scripts share. Every script of a channel is given its keys first, then the word with which
 * this server announces.
 */
export const channelLua: string = drains + common

/** The same, refused by a full server. */
export const storingLua: string = `#!lua${common}`

/**
 * What scripts of one group share. Ids are kept with leading zeros where they must sort. What waits
 * belongs to nobody, and its delivery count is its crashes: \`back\` has what is ready, by crashes
 * and then by id, \`retry\` what has a due time. By key, \`heads\` names the one of each key whose
 * turn it is, and \`behind\` the others, by key and id.
 */
export const groupLua = `${channelLua}
local self, readers, back, retry, counts, heads, behind = unpack(KEYS, 6, 12)
local group, me = ARGV[2], ARGV[3]
local nobody = '${nobody}'
-- now is cut to whole milliseconds: a lease is never shorter than its owner thinks
local function leaseEnd(leaseMs) return now + leaseMs + 1 end
local function pad(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return string.rep('0', 20 - #ms) .. ms .. '-' .. string.rep('0', 20 - #seq) .. seq
end
local function order()
  return redis.call('HGET', flags, 'order:' .. group) or 'none'
end
local function state()
  local opened = redis.call('HGET', self, 'opened')
  if not opened then return 'expired' end
  if opened ~= ARGV[4] then return 'replaced' end
  local untilMs = redis.call('ZSCORE', readers, me)
  if not untilMs or tonumber(untilMs) <= now then return 'expired' end
  return 'ok'
end
local function each(list, act)
  for from = 1, #list, 1000 do
    act(unpack(list, from, math.min(from + 999, #list)))
  end
end
local function crashesOf(id)
  local found = redis.call('XPENDING', stream, group, id, id, 1)
  return found[1] and found[1][4] or 0
end
local function toNobody(id, crashes)
  redis.call('XCLAIM', stream, group, nobody, 0, id, 'JUSTID', 'RETRYCOUNT', crashes)
end
local function keyIn(fields)
  for n = 1, #fields, 2 do
    if fields[n] == 'key' then return fields[n + 1] end
  end
end
local function keyOf(id)
  local found = redis.call('XRANGE', stream, id, id)
  return found[1] and keyIn(found[1][2])
end
local function lane(key)
  return #key .. ':' .. key .. ':'
end
local function enter(key, padded)
  local head = redis.call('HGET', heads, key)
  if head and head ~= padded then
    redis.call('ZADD', behind, 0, lane(key) .. padded)
    return false
  end
  redis.call('HSET', heads, key, padded)
  return true
end
local function leave(key, padded)
  if redis.call('HGET', heads, key) ~= padded then return false end
  local from = lane(key)
  local to = '(' .. string.sub(from, 1, -2) .. ';'
  local following = redis.call('ZRANGEBYLEX', behind, '[' .. from, to, 'LIMIT', 0, 1)[1]
  if not following then
    redis.call('HDEL', heads, key)
    return false
  end
  redis.call('ZREM', behind, following)
  local id = string.sub(following, #from + 1)
  redis.call('HSET', heads, key, id)
  redis.call('ZADD', back, crashesOf(id), id)
  return true
end
`
