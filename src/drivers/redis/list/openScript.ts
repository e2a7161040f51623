import { channelScript, lanesLua, readyLua } from './lua.ts'

/**
 * Makes the row of a reader, or takes up the one of this very name, in the order that it asks for.
 * Arguments: announce, reader, worker, charge, leaseMs, order or '', least serial.
 *
 * Replies `expired <reader>` where one must be expelled first, `again` where not everything has
 * its new place yet, `order <order>` where others are at work in another order, else `opened`, the
 * number of this opening, the last serial, the order, how many were lost, and the serials in hand.
 */
export const openScript = channelScript(
  readyLua,
  lanesLua,
  `
local _, name, worker, charge, leaseMs, wanted, least = unpack(ARGV)
local now = nowMs()
local draining = redis.call('HGET', flags, 'draining')
if draining then return { 'expired', string.match(draining, ' (.*)$') } end
local first = redis.call('ZRANGE', readers, 0, 0, 'WITHSCORES')
if first[2] and tonumber(first[2]) <= now then return { 'expired', first[1] } end
local order = redis.call('HGET', flags, 'order') or 'none'
if wanted ~= '' and wanted ~= order then
  for _, other in ipairs(redis.call('ZRANGE', readers, 0, -1)) do
    if other ~= name then return { 'order', order } end
  end
  if redis.call('EXISTS', held) == 1 then return { 'order', order } end
  if wanted == 'none' then
    local some = redis.call('ZRANGE', behind, 0, 999)
    for _, value in ipairs(some) do
      local lane = string.match(value, '^(%d+):')
      lane = string.sub(value, 1, #lane + 1 + lane + 1 + 16)
      ready(open(string.sub(value, #lane + 1)))
      redis.call('ZREM', turns, lane)
    end
    if #some > 0 then
      redis.call('ZREMRANGEBYRANK', behind, 0, #some - 1)
      return { 'again' }
    end
  end
  if wanted == 'none' or order == 'none' then
    redis.call('DEL', keys)
    redis.call('HINCRBY', flags, 'era', 1)
  end
  redis.call('HSET', flags, 'order', wanted)
  order = wanted
end
redis.call('ZADD', readers, leaseEnd(now, leaseMs), name)
redis.call('HSET', reader, 'worker', worker, 'charge', charge)
redis.call('PERSIST', reader)
local opened = redis.call('HINCRBY', reader, 'opened', 1)
local serial = tonumber(redis.call('HGET', reader, 'serial') or 0)
if serial < tonumber(least) then serial = tonumber(least) end
redis.call('HSET', reader, 'serial', whole(serial))
local reply = { 'opened', opened, serial, order, tonumber(redis.call('HGET', reader, 'lost') or 0) }
for _, one in ipairs(redis.call('HKEYS', held)) do reply[#reply + 1] = one end
return reply
`,
)

/** The reader ends in order. Arguments: announce, reader, the number of its opening. */
export const leaveScript = channelScript(`
if redis.call('HGET', reader, 'opened') ~= ARGV[3] then return 0 end
redis.call('ZREM', readers, ARGV[2])
redis.call('DEL', reader, lost)
return 1
`)
