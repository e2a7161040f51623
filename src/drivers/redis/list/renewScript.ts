import { channelScript } from './lua.ts'

/**
 * "This reader lives." Arguments: announce, reader, the number of its opening, leaseMs, begun.
 * Replies `gone`, `replaced`, `expired <reader>` where that is itself, or `ok` and how many were
 * lost so far.
 */
export const renewScript = channelScript(`
local _, name, opened, leaseMs, begun = unpack(ARGV)
local row = redis.call('HMGET', reader, 'opened', 'lost', 'serial', 'begun')
if not row[1] then return { 'gone' } end
if row[1] ~= opened then return { 'replaced' } end
local now = nowMs()
local deadline = redis.call('ZSCORE', readers, name)
if deadline and tonumber(deadline) <= now then return { 'expired', name } end
local upTo = math.min(tonumber(begun), tonumber(row[3] or 0))
if upTo > tonumber(row[4] or 0) then redis.call('HSET', reader, 'begun', whole(upTo)) end
if redis.call('ZADD', readers, leaseEnd(now, leaseMs), name) == 1 then redis.call('PERSIST', reader) end
return { 'ok', tonumber(row[2] or 0) }
`)
