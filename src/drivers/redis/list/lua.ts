import { Script } from '../script.ts'
import { valueLua } from './value.ts'

/** Every script is given the keys of the channel in this order, and of one reader. */
export const channelKeys = [
  'orders',
  'back',
  'suspects',
  'delayed',
  'flags',
  'readers',
  'gone',
  'keys',
  'behind',
  'turns',
  'dead',
] as const

/**
 * Its first argument is the command that announces: `PUBLISH`, on a cluster `SPUBLISH`. It works
 * at maxmemory: what it adds was there before under another key.
 */
export function channelScript(...parts: readonly string[]): Script {
  return new Script(['#!lua flags=allow-oom', namesLua, valueLua, ...parts].join('\n'))
}

const namesLua = `
local ${channelKeys.join(', ')}, held, reader, lost = unpack(KEYS)
local function announce() redis.call(ARGV[1], '{' .. orders .. '}:wake', '') end
-- now is cut to whole milliseconds: a lease is never shorter than its owner thinks
local function leaseEnd(now, leaseMs) return string.format('%.0f', now + leaseMs + 1) end
local function count(name, by) if by ~= 0 then redis.call('HINCRBY', flags, name, by) end end
`

/** `ready`: what the next taker is given, at the head or behind all that is ready. */
export const readyLua = `
local function ready(m, atHead)
  if m.crashes > 0 then
    local number = redis.call('HINCRBY', flags, 'suspected', 1)
    redis.call('ZADD', suspects, whole(m.crashes * 1e9 + number % 1e9), seal(m))
  else
    redis.call(atHead and 'RPUSH' or 'LPUSH', back, seal(m))
  end
end
`

/**
 * Order by key. Of each key one message stands at the head, wherever it is: ready, in hand, or
 * waiting for its next try. The others wait behind it in the order of their turns. A place is
 * era:turn:h for a head and for who waits to be one, era:turn:a for who let the rest go on. Another
 * era: the queue had another order meanwhile.
 */
export const lanesLua = String.raw`
local function textAt(element, at)
  local from = at
  while true do
    local found = string.find(element, '["\\]', at)
    if not found then return nil end
    if string.byte(element, found) == 34 then return string.sub(element, from, found - 1) end
    at = found + 2
  end
end
local function keyOf(element)
  local at = string.match(element,
    '^{"specversion":"1.0","id":"[^"\\]+","source":"[^"\\]+","type":"[^"\\]+","time":"[^"\\]*","subject":"()')
  if at then
    local text = textAt(element, at)
    if text and string.find(text, '\\', 1, true) then
      local isText, decoded = pcall(cjson.decode, '["' .. text .. '"]')
      if isText then text = decoded[1] end
    end
    return text
  end
  local isJson, event = pcall(cjson.decode, element)
  if not isJson or type(event) ~= 'table' then return nil end
  if type(event.specversion) ~= 'string' or string.sub(event.specversion, 1, 2) ~= '1.' then return nil end
  for _, name in ipairs({ 'id', 'source', 'type' }) do
    if type(event[name]) ~= 'string' or event[name] == '' then return nil end
  end
  return type(event.subject) == 'string' and event.subject or nil
end
local function laneOf(key) return #key .. ':' .. key .. ':' end
local function placeOf(m) return string.match(m.place, '^(%d+):(%d+):(%a)$') end
local function isHead(m, era)
  local own, _, how = placeOf(m)
  return own == era and how == 'h'
end
-- False when it waits behind another one of its key from now on.
local function enter(m, era)
  if isHead(m, era) then return true end
  if not m.key then m.key = keyOf(m.element) end
  if not m.key then return true end
  local own, turn = placeOf(m)
  if own ~= era then turn = string.format('%016.0f', redis.call('HINCRBY', flags, 'turn', 1)) end
  m.place = era .. ':' .. turn .. ':h'
  if not m.tag then m.tag = 'k' .. era .. '-' .. turn end
  if redis.call('HSETNX', keys, m.key, turn) == 1 then return true end
  local lane = laneOf(m.key) .. turn
  redis.call('ZADD', behind, 0, lane .. seal(m))
  redis.call('ZADD', turns, turn, lane)
  return false
end
-- The next of its key is the head from now on. True where one was there.
local function leave(m, era)
  if not isHead(m, era) then return false end
  local lane = laneOf(m.key)
  local found = redis.call('ZRANGE', behind, '[' .. lane, '(' .. string.sub(lane, 1, -2) .. ';', 'BYLEX', 'LIMIT', 0, 1)[1]
  if not found then
    redis.call('HDEL', keys, m.key)
    return false
  end
  local turn = string.sub(found, #lane + 1, #lane + 16)
  ready(open(string.sub(found, #lane + 17)))
  redis.call('HSET', keys, m.key, turn)
  redis.call('ZREM', behind, found)
  redis.call('ZREM', turns, lane .. turn)
  return true
end
`
