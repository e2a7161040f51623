import { channelScript, lanesLua, readyLua } from './lua.ts'

/**
 * Both: announce, reader, the number of its opening, last serial before, messages, bytes, leaseMs,
 * order, charge, tag of the reader, whether it marks what it takes and has no crashes ('1').
 *
 * Reply `gone`, `replaced`, `order <order>`, `expired <reader>`, or `ok`, how many were lost so
 * far, in how many ms to look again (-1: nothing to look for), and the values.
 */
const beginLua = `
local _, name, opened, serial, room, bytesMax, leaseMs, order, charge, tag, begins = unpack(ARGV)
serial, room, bytesMax, leaseMs = tonumber(serial), tonumber(room), tonumber(bytesMax), tonumber(leaseMs)
local row = redis.call('HMGET', reader, 'opened', 'lost')
if not row[1] then return { 'gone' } end
if row[1] ~= opened then return { 'replaced' } end
local flagged = redis.call('HMGET', flags, 'order', 'paused', 'draining', 'era', 'idle')
if (flagged[1] or 'none') ~= order then return { 'order', flagged[1] or 'none' } end
if flagged[3] then return { 'expired', string.match(flagged[3], ' (.*)$') } end
local now = nowMs()
local first = redis.call('ZRANGE', readers, 0, 0, 'WITHSCORES')
if first[2] and tonumber(first[2]) <= now then return { 'expired', first[1] } end
local era = flagged[4] or '0'
local due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
if due[2] and tonumber(due[2]) <= now then
  local some = redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, 500)
  for _, value in ipairs(some) do promote(open(value), era) end
  redis.call('ZREMRANGEBYRANK', delayed, 0, #some - 1)
  due = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
end
if redis.call('ZADD', readers, leaseEnd(now, leaseMs), name) == 1 then redis.call('PERSIST', reader) end
local reply, fields, taken, bytes, popped, again = { 'ok', tonumber(row[2] or 0), -1 }, {}, 0, 0, 0, 0
local isSuspect = false
local function fits(size)
  return taken < room and (taken == 0 or bytes + size <= bytesMax)
end
local function give(value)
  serial, taken, bytes = serial + 1, taken + 1, bytes + #value
  reply[taken + 3] = value
  fields[2 * taken - 1] = serial
  fields[2 * taken] = value
end
`

/** What follows on the values that were taken. */
const endLua = `
if taken > 0 then
  redis.call('HSET', held, unpack(fields))
  if begins == '1' and not isSuspect then
    redis.call('HSET', reader, 'serial', whole(serial), 'begun', whole(serial))
  else
    redis.call('HSET', reader, 'serial', whole(serial))
  end
  count('popped', popped)
  count('again', again)
elseif isMore then
  reply[3] = 0
elseif flagged[2] ~= '1' then
  -- whoever publishes next is to announce it
  if not flagged[5] then redis.call('HSET', flags, 'idle', '1') end
  local nextMs = redis.call('ZRANGE', readers, 0, 0, 'WITHSCORES')[2] - now
  if due[2] then nextMs = math.min(nextMs, due[2] - now) end
  reply[3] = math.max(0, nextMs)
end
return reply
`

/** Takes what is ready. A take begins with the pop, so that a full server can be drained. */
export const takeScript = channelScript(
  readyLua,
  'local function promote(m) ready(m) end',
  beginLua,
  `
local isMore, byte = false, string.byte
local function drain(list)
  local drained = 0
  while taken < room do
    local got = redis.call('RPOP', list, math.min(room - taken, 128))
    if not got then return drained, false end
    for at = 1, #got do
      local value = got[at]
      if not fits(#value) then
        for rest = #got, at, -1 do redis.call('RPUSH', list, got[rest]) end
        return drained, true
      end
      if byte(value) == 0 and list == orders then
        value = seal(fresh(value, tag .. '-' .. whole(serial + 1)))
      end
      give(value)
      drained = drained + 1
    end
  end
  return drained, true
end
if flagged[2] ~= '1' then
  local suspect = redis.call('ZRANGE', suspects, 0, charge == 'taken' and 0 or room - 1, 'WITHSCORES')
  if suspect[1] then
    for at = 1, #suspect, 2 do
      if math.floor(suspect[at + 1] / 1e9) ~= math.floor(suspect[2] / 1e9) or not fits(#suspect[at]) then break end
      give(suspect[at])
      isSuspect = true
      redis.call('ZREM', suspects, suspect[at])
      again = again + 1
    end
  else
    local isFull
    again, isFull = drain(back)
    if not isFull then popped = drain(orders) end
  end
end
`,
  endLua,
)

/** The same with order by key: of each key what stands at its head. */
export const takeByKeyScript = channelScript(
  readyLua,
  lanesLua,
  `
local function promote(m, era)
  if string.byte(m.tag, 1) == 43 and m.place == '-' then
    redis.call('LPUSH', orders, m.element)
    count('later', -1)
  elseif enter(m, era) then
    ready(m)
  end
end
`,
  beginLua,
  `
local isMore, laned = false, 0
local function drainBack()
  for _ = 1, 2000 do
    if taken >= room then return true end
    local value = redis.call('RPOP', back)
    if not value then return false end
    local m = open(value)
    if not enter(m, era) then
      -- it waits behind another one of its key
    elseif fits(#value) then
      give(seal(m))
      again = again + 1
    else
      redis.call('RPUSH', back, seal(m))
      return true
    end
  end
  isMore = true
  return true
end
local function drainOrders()
  local looked = 0
  while taken < room do
    if looked >= 2000 then isMore = true return end
    local got = redis.call('RPOP', orders, math.min(room - taken, 128))
    if not got then return end
    looked = looked + #got
    for at, value in ipairs(got) do
      if not fits(#value) then
        for rest = #got, at, -1 do redis.call('RPUSH', orders, got[rest]) end
        return
      end
      popped = popped + 1
      local m = fresh(value, nil)
      if not enter(m, era) then
        laned = laned + 1
      elseif m.key or string.byte(value, 1) == 0 then
        m.tag = tag .. '-' .. whole(serial + 1)
        give(seal(m))
      else
        give(value)
      end
    end
  end
end
if flagged[2] ~= '1' then
  local crashes = nil
  local suspect = redis.call('ZRANGE', suspects, 0, charge == 'taken' and 9 or room - 1, 'WITHSCORES')
  for at = 1, #suspect, 2 do
    local own = math.floor(suspect[at + 1] / 1e9)
    if crashes and (crashes ~= own or charge == 'taken') or not fits(#suspect[at]) then break end
    local m = open(suspect[at])
    if enter(m, era) then
      crashes = own
      give(seal(m))
      isSuspect = true
      again = again + 1
    end
    redis.call('ZREM', suspects, suspect[at])
  end
  if taken == 0 then
    if #suspect > 0 then isMore = true
    elseif not drainBack() then drainOrders() end
  end
end
if laned > 0 then
  count('laned', laned)
  if taken == 0 then count('popped', popped) end
end
`,
  endLua,
)
