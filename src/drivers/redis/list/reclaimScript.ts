import { channelScript, readyLua } from './lua.ts'

/** What was lost is answered for so long after the last loss. */
export const lostKeptMs = 3_600_000

/**
 * Expels a reader whose lease has ended. What it held is renamed at once: a late settlement finds
 * nothing. Then it goes back, in steps. Arguments: announce, reader, its tag. Replies 1 while there
 * is more to do, and the reader that must be expelled before, if there is one.
 */
export const reclaimScript = channelScript(
  readyLua,
  `
local _, name, tag = unpack(ARGV)
local draining = redis.call('HGET', flags, 'draining')
if not draining then
  local deadline = redis.call('ZSCORE', readers, name)
  if not deadline or tonumber(deadline) > nowMs() then return 0 end
  if redis.call('EXISTS', held) == 0 then
    redis.call('ZREM', readers, name)
    redis.call('PEXPIRE', reader, ${lostKeptMs})
    redis.call('PEXPIRE', lost, ${lostKeptMs})
    return 0
  end
  local row = redis.call('HMGET', reader, 'charge', 'begun')
  redis.call('RENAME', held, gone)
  draining = (row[1] == 'taken' and 'inf' or row[2] or '0') .. ' ' .. name
  redis.call('HSET', flags, 'draining', draining)
  redis.call('ZREM', readers, name)
end
local begun, owner = string.match(draining, '^(%S+) (.*)$')
if owner ~= name then return owner end
begun = begun == 'inf' and math.huge or tonumber(begun)
-- what was drained before leaves buckets empty at the front
local cursor, some = '0', {}
repeat
  cursor, some = unpack(redis.call('HSCAN', gone, cursor, 'COUNT', 500))
until #some > 0 or cursor == '0'
local items = {}
for at = 1, #some, 2 do items[#items + 1] = { tonumber(some[at]), some[at], some[at + 1] } end
table.sort(items, function(a, b) return a[1] < b[1] end)
local healthy = {}
for _, item in ipairs(items) do
  local m = open(item[3], tag .. '-' .. item[2])
  if item[1] <= begun then m.crashes = m.crashes + 1 end
  if m.crashes > 0 then ready(m) else healthy[#healthy + 1] = m end
  redis.call('HSET', lost, item[2], 'expired')
  redis.call('HDEL', gone, item[2])
end
for at = #healthy, 1, -1 do ready(healthy[at], true) end
count('returned', #items)
redis.call('HINCRBY', reader, 'lost', #items)
redis.call('PEXPIRE', lost, ${lostKeptMs})
if not redis.call('ZSCORE', readers, name) then redis.call('PEXPIRE', reader, ${lostKeptMs}) end
announce()
if redis.call('EXISTS', gone) == 1 then return 1 end
redis.call('HDEL', flags, 'draining')
return 0
`,
)

/** Replies a reader that must be expelled, if there is one. */
export const expiredScript = channelScript(`
local draining = redis.call('HGET', flags, 'draining')
if draining then return string.match(draining, ' (.*)$') end
local first = redis.call('ZRANGE', readers, 0, 0, 'WITHSCORES')
return first[2] and tonumber(first[2]) <= nowMs() and first[1] or false
`)
