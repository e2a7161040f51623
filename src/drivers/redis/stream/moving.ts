import type { ChannelRef } from '../../../core/channel.ts'
import type { Place } from '../../../core/message.ts'
import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { groupNames } from './depth.ts'
import { channelKeys, groupKeys, readerKey } from './keys.ts'
import { lineOf } from './line.ts'
import { channelLua, groupLua } from './lua.ts'
import { beginningOf, streamInfo } from './places.ts'
import { reclaimAll } from './reclaim.ts'
import { publishWord } from './words.ts'

const stepMax = 1_000

/** Nothing is in the hand of anybody, or waits again; from there the group begins anew. */
const seeking = new Script(
  `${groupLua}
redis.call('DEL', back, retry, counts, heads, behind)
local held = redis.call('XPENDING', stream, group, '-', '+', ${stepMax})
for _, one in ipairs(held) do redis.call('XACK', stream, group, one[1]) end
if #held == ${stepMax} then return 1 end
redis.call('XGROUP', 'SETID', stream, group, ARGV[5], 'ENTRIESREAD', ARGV[6])
wake()
return 0
`,
)

/** @throws NOT_FOUND for a group, or a message, that is not there */
export async function seek(
  context: Context,
  channel: ChannelRef,
  group: string,
  to: Place,
): Promise<void> {
  await checkGroup(context, channel, group, 'seek')
  const { id, entriesRead } = await beginningOf(context, channel.name, to)
  const line = lineOf(context, channel.name, group)
  while ((await line.run<number>(seeking, '', '', [id, String(entriesRead)])) === 1);
}

/** The group goes on after what is there now, and nothing waits again. */
const skipping = new Script(
  `${groupLua}
local last, read = ARGV[5], ARGV[6]
local isQueue = ARGV[7] == '1'
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local ms, seq = string.match(info[8], '(%d+)-(%d+)')
  if info[2] == group and pad(info[8]) < pad(last) then
    redis.call('XGROUP', 'SETID', stream, group, last, 'ENTRIESREAD', read)
  end
end
local waiting = redis.call('XPENDING', stream, group, '-', '+', ${stepMax}, nobody)
for _, one in ipairs(waiting) do
  local id = one[1]
  redis.call('XACK', stream, group, id)
  redis.call('HDEL', counts, id)
end
if #waiting == ${stepMax} then return 1 end
redis.call('DEL', back, retry, behind)
local all = redis.call('HGETALL', heads)
for n = 1, #all, 2 do
  if #redis.call('XPENDING', stream, group, all[n + 1], all[n + 1], 1) == 0 then
    redis.call('HDEL', heads, all[n])
  end
end
return 0
`,
)

/** Removes what no group has in hand, up to an entry. Returns up to where it came, and how many. */
const sweeping = new Script(
  `${channelLua}
local from, to = ARGV[2], ARGV[3]
local entries = redis.call('XRANGE', stream, from, to, 'COUNT', ${stepMax})
if #entries == 0 then return { '', 0 } end
local first, last = entries[1][1], entries[#entries][1]
local inHand = {}
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  for _, one in ipairs(redis.call('XPENDING', stream, info[2], first, last, ${stepMax})) do
    inHand[one[1]] = true
  end
end
local removed = 0
for _, entry in ipairs(entries) do
  if not inHand[entry[1]] then removed = removed + redis.call('XDEL', stream, entry[1]) end
end
redis.call('HDEL', flags, 'bytes', 'counted')
return { '(' .. last, removed }
`,
)

/** Removes what is delayed. */
const cancelling = new Script(
  `${channelLua}
local numbers = redis.call('ZRANGE', delayed, 0, ${stepMax - 1})
for _, number in ipairs(numbers) do
  redis.call('ZREM', delayed, number)
  redis.call('HDEL', delayedMessages, number)
end
redis.call('HINCRBY', flags, 'undue', #numbers)
return #numbers
`,
)

/** Removes all that nobody has in hand, in steps, and returns how many messages. */
export async function purge(context: Context, channel: ChannelRef): Promise<number> {
  const { name } = channel
  const home = context.home(name)
  const word = publishWord(context, name)
  let removed = 0
  for (let some = -1; some !== 0; removed += some) {
    some = await home.run<number>(cancelling, channelKeys(name), [word], 'purge')
  }
  const info = await streamInfo(context, name)
  if (info === null) return removed
  const { lastId, entriesAdded } = info
  for (const group of await groupNames(context, name)) {
    const line = lineOf(context, name, group)
    await reclaimAll(line)
    while ((await line.run<number>(skipping, '', '', [lastId, String(entriesAdded)])) === 1);
  }
  for (let from = '-'; from !== ''; ) {
    const args = [word, from, lastId]
    const step = await home.run<[string, number]>(sweeping, channelKeys(name), args, 'purge')
    from = step[0]
    removed += step[1]
  }
  return removed
}

/** @throws NOT_FOUND */
export async function removeGroup(
  context: Context,
  channel: ChannelRef,
  group: string,
): Promise<void> {
  await checkGroup(context, channel, group, 'removeGroup')
  const { name } = channel
  const home = context.home(name)
  const [, flags, ...rest] = groupKeys(name, group, '') as [string, string, ...string[]]
  const [, , , self, readers, ...helpers] = rest as [
    string,
    string,
    string,
    string,
    string,
    ...string[],
  ]
  const names = await home.send<string[]>(['ZRANGE', readers, '0', '-1'], 'removeGroup')
  const own = names.map((reader) => readerKey(name, group, reader))
  await home.send(['UNLINK', self, readers, ...helpers, ...own], 'removeGroup')
  await home.send(['HDEL', flags, `order:${group}`, `out:${group}`, `run:${group}`], 'removeGroup')
  await home.send(['XGROUP', 'DESTROY', name, group], 'removeGroup')
}

/** @throws UNSUPPORTED on a queue, NOT_FOUND */
async function checkGroup(
  context: Context,
  channel: ChannelRef,
  group: string,
  operation: string,
): Promise<void> {
  const { name, pattern } = channel
  if (pattern === 'queue') {
    const text = `queue "${name}" has no groups`
    throw redisError('UNSUPPORTED', operation, text, { channel: name })
  }
  if ((await groupNames(context, name)).includes(group)) return
  const text = `stream "${name}" has no group "${group}"`
  throw redisError('NOT_FOUND', operation, text, { channel: name })
}
