import type { Retention } from '../../../core/channel.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { channelKeys } from './keys.ts'
import { channelLua } from './lua.ts'
import { publishWord } from './words.ts'

/** Entries looked at in one step. */
const stepMax = 1_000

/**
 * Forgets what retention allows and every group has settled, oldest first. How many bytes are
 * stored is counted along the stream, those of other programs too: \`bytes\` holds up to where.
 * Returns whether there is more to do.
 */
const trimming = new Script(
  `${channelLua}
local ageMs, messages, bytesMax = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local length = redis.call('XLEN', stream)
if length == 0 then
  redis.call('HDEL', flags, 'bytes', 'counted')
  return 0
end
local bytes = 0
local more = 0
local counted = redis.call('HGET', flags, 'counted') or '0-0'
if bytesMax then
  local size = 0
  local found = redis.call('XRANGE', stream, '(' .. counted, '+', 'COUNT', ${stepMax})
  for _, entry in ipairs(found) do
    size = size + sizeOf(entry[2])
    counted = entry[1]
  end
  bytes = redis.call('HINCRBY', flags, 'bytes', size)
  redis.call('HSET', flags, 'counted', counted)
  if #found == ${stepMax} then more = 1 end
end
local to = bytesMax and counted or '+'
local function number(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end
local function isBelow(id, other)
  if other == '+' then return true end
  local ms, seq = number(id)
  local otherMs, otherSeq = number(other)
  return ms < otherMs or (ms == otherMs and seq < otherSeq)
end
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local group, last = info[2], info[8]
  local pending = redis.call('XPENDING', stream, group)
  if pending[1] > 0 and isBelow(pending[2], to) then to = pending[2] end
  local following = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
  if following and isBelow(following[1], to) then to = following[1] end
end
local oldest = redis.call('XRANGE', stream, '-', to == '+' and '+' or '(' .. to, 'COUNT', ${stepMax})
local removed, before = {}, bytes
for _, entry in ipairs(oldest) do
  local isOld = ageMs and number(entry[1]) <= now - ageMs
  local isOver = (messages and length > messages) or (bytesMax and bytes > bytesMax)
  if not (isOld or isOver) then break end
  removed[#removed + 1] = entry[1]
  length = length - 1
  bytes = bytes - sizeOf(entry[2])
end
if #removed > 0 then redis.call('XDEL', stream, unpack(removed)) end
if bytesMax and bytes < before then redis.call('HINCRBY', flags, 'bytes', bytes - before) end
if #removed == ${stepMax} then more = 1 end
return more
`,
)

export async function trim(context: Context, channel: string, retention: Retention): Promise<void> {
  while (await trimSome(context, channel, retention));
}

/** One step of it. Returns whether there is more to do. */
export async function trimSome(
  context: Context,
  channel: string,
  retention: Retention,
): Promise<boolean> {
  const { ageMs, messages, bytes } = retention
  const limits = [ageMs, messages, bytes].map((limit) => (limit === null ? '' : String(limit)))
  const args = [publishWord(context, channel), ...limits]
  const home = context.home(channel)
  return (await home.run<number>(trimming, channelKeys(channel), args, 'retention')) === 1
}
