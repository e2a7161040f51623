import type { ChannelRef } from '../../../core/channel.ts'
import { removeOwn } from '../removeOwn.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { groupNames } from './depth.ts'
import { channelKeys } from './keys.ts'
import { lineOf } from './line.ts'
import { channelLua, groupLua } from './lua.ts'
import { findDelayed, findEntry } from './peek.ts'
import { publishWord } from './words.ts'

/** One entry leaves its group, whoever has it; the next of its key gets to the head. */
const leaving = new Script(
  `${groupLua}
local id = ARGV[5]
local padded = pad(id)
local key = order() ~= 'none' and keyOf(id)
redis.call('XACK', stream, group, id)
redis.call('ZREM', back, padded)
redis.call('ZREM', retry, padded)
redis.call('HDEL', counts, id)
if key then
  redis.call('ZREM', behind, lane(key) .. padded)
  if leave(key, padded) then wake() end
end
return 0
`,
)

const deleting = new Script(
  `${channelLua}
redis.call('HDEL', flags, 'bytes', 'counted')
return redis.call('XDEL', stream, ARGV[2])
`,
)

const cancellingOne = new Script(
  `${channelLua}
if redis.call('ZREM', delayed, ARGV[2]) == 0 then return 0 end
redis.call('HDEL', delayedMessages, ARGV[2])
redis.call('HINCRBY', flags, 'undue', 1)
return 1
`,
)

/** Whoever has it: what its owner settles later is late. */
export async function removeMessage(
  context: Context,
  { name }: ChannelRef,
  id: string,
): Promise<boolean> {
  const home = context.home(name)
  const word = publishWord(context, name)
  const keys = channelKeys(name)
  const entry = await findEntry(context, name, id)
  if (entry) {
    const position = entry[0].toString('latin1')
    for (const group of await groupNames(context, name)) {
      await lineOf(context, name, group).run(leaving, '', '', [position])
    }
    return (await home.run<number>(deleting, keys, [word, position], 'removeMessage')) === 1
  }
  const delayed = await findDelayed(context, name, id)
  if (!delayed) return false
  const args = [word, delayed.number]
  return (await home.run<number>(cancellingOne, keys, args, 'removeMessage')) === 1
}

/** All keys of the channel: those of its own name in braces, and the stream. */
export async function removeKeys(context: Context, { name }: ChannelRef): Promise<void> {
  const home = context.home(name)
  await removeOwn(home, name, 'stream')
  let cursor = '0'
  do {
    const asked = ['SCAN', cursor, 'MATCH', `{${name}}:*`, 'COUNT', '1000']
    const [next, keys] = await home.send<[string, string[]]>(asked, 'remove')
    if (keys.length > 0) await home.send(['UNLINK', ...keys], 'remove')
    cursor = next
  } while (cursor !== '0')
}
