import type { Argument } from '../connection.ts'
import { Script } from '../script.ts'
import type { Home } from '../servers.ts'

/** Values looked at by one command. */
export const valuesMax = 1_000
/** A reply may exceed it by its last value alone. */
const bytesMax = 4 * 1024 * 1024

/** How a key is read: a list from its left or right, a sorted set up or down, fields of a hash. */
export type Way = 'left' | 'right' | 'up' | 'down' | 'fields'

/**
 * Arguments: way, from, how many at most, bytes at most, fields. Replies values, of a sorted set
 * each with its score; of what is gone meanwhile an empty place.
 */
const script = new Script(`#!lua flags=no-writes
local way, from, most, bytesMax = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function read(at, count)
  if way == 'left' then return redis.call('LRANGE', KEYS[1], at, at + count - 1) end
  if way == 'fields' then return redis.call('HMGET', KEYS[1], unpack(ARGV, 5 + at, 4 + at + count)) end
  if way ~= 'right' then
    local range = { 'ZRANGE', KEYS[1], at, at + count - 1 }
    if way == 'down' then range[5] = 'REV' end
    range[#range + 1] = 'WITHSCORES'
    return redis.call(unpack(range))
  end
  local some, turned = redis.call('LRANGE', KEYS[1], -at - count, -at - 1), {}
  for one = #some, 1, -1 do turned[#turned + 1] = some[one] end
  return turned
end
local step = (way == 'up' or way == 'down') and 2 or 1
local reply, bytes, looked, chunk = {}, 0, 0, 4
while looked < most and bytes < bytesMax do
  chunk = math.min(chunk, most - looked)
  local some, before = read(from + looked, chunk), bytes
  for at = 1, #some, step do
    if bytes >= bytesMax then break end
    reply[#reply + 1] = some[at]
    if step == 2 then reply[#reply + 1] = some[at + 1] end
    bytes = bytes + (some[at] and #some[at] or 0)
    looked = looked + 1
  end
  if #some < chunk * step then break end
  -- the next ones may be as large as these: a script does not hold much more than it replies
  chunk = bytes - before > bytesMax / 16 and 4 or math.min(chunk * 2, 256)
end
return reply
`)

/** The values from there on, as many as fit into a reply: at least one, where there is one. */
export async function pageOf<T extends Buffer | null>(
  home: Home,
  key: string,
  { way, from, count }: { readonly way: Way; readonly from: number; readonly count: number },
  fields: readonly string[] = [],
): Promise<T[]> {
  const most = Math.min(count, valuesMax)
  const args: Argument[] = [way, String(from), String(most), String(bytesMax), ...fields]
  return await home.run<T[]>(script, [key], args, 'peek', 'bytes')
}
