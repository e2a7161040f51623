import { helperKey } from '../keys.ts'
import { Script } from '../script.ts'
import type { Home } from '../servers.ts'

/**
 * The lease of the lead: `+` while it is given messages, else `-`, then its fence. It ends by the
 * server's own clock.
 */
export const leaseKeyOf = (channel: string) => helperKey(channel, 'leader')

/** Who waits for it: `<when it came>:<fence to be>`, scored by when it counts as gone. */
export const standbyKeyOf = (channel: string) => helperKey(channel, 'standby')

/**
 * KEYS: lease, standby. ARGV: fence to be, name in the standby or '', leaseMs, 1 to go ahead of who
 * came first. Answers: 1 where it leads now, else how long the lead has left, and its name.
 */
export const standScript = new Script(`#!lua flags=allow-oom
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local leaseMs = tonumber(ARGV[3])
local own = ARGV[2]
if own == '' then own = string.format('%010d%06d:%s', time[1], time[2], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', nowMs)
local leftMs = redis.call('PTTL', KEYS[1])
if leftMs == -2 then
  local first = own
  for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if name < first then first = name end
  end
  if first == own or ARGV[4] == '1' then
    redis.call('SET', KEYS[1], '-' .. ARGV[1], 'PX', leaseMs)
    redis.call('ZREM', KEYS[2], own)
    return {1, 0, own}
  end
end
redis.call('ZADD', KEYS[2], nowMs + leaseMs, own)
if redis.call('PTTL', KEYS[2]) < leaseMs then redis.call('PEXPIRE', KEYS[2], leaseMs) end
return {0, math.max(leftMs, 0), own}`)

/** What one says that is given messages from here on, before its fence. */
export const ledText = 'led:'

/** KEYS: lease. ARGV: fence, mark, ms. 1 where that one leads still. */
export const keepScript = new Script(`#!lua flags=allow-oom
local lead = redis.call('GET', KEYS[1])
if not lead or string.sub(lead, 2) ~= ARGV[1] then return 0 end
local mark = ARGV[2]
if mark == '' then mark = string.sub(lead, 1, 1) end
redis.call('SET', KEYS[1], mark .. ARGV[1], 'PX', ARGV[3])
return 1`)

const begun = (publish: string) =>
  new Script(`#!lua flags=allow-oom
local lead = redis.call('GET', KEYS[1])
if not lead or string.sub(lead, 2) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '+' .. ARGV[1], 'PX', ARGV[2])
redis.call('${publish}', ARGV[3], '${ledText}' .. ARGV[1])
return 1`)

const begunSingle = begun('PUBLISH')
const begunSharded = begun('SPUBLISH')

/**
 * KEYS: lease. ARGV: fence, ms, channel of those who wait. 1 where that one leads still: it is given
 * messages, and who led before hears of it ahead of the first one.
 */
export const beginScript = ({ isCluster }: Home): Script => (isCluster ? begunSharded : begunSingle)

const released = (publish: string) =>
  new Script(`#!lua flags=allow-oom
local lead = redis.call('GET', KEYS[1])
if lead and string.sub(lead, 2) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('${publish}', ARGV[2], 'free')
end
return 1`)

const single = released('PUBLISH')
const sharded = released('SPUBLISH')

/** KEYS: lease. ARGV: fence, channel of those who wait. */
export const releaseScript = ({ isCluster }: Home): Script => (isCluster ? sharded : single)
