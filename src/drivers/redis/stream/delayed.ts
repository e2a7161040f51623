import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { channelKeys } from './keys.ts'
import { channelLua } from './lua.ts'
import { publishWord } from './words.ts'

const stepMax = 100

/** Delayed messages whose time has come enter the stream. Returns how many did. */
const promoting = new Script(
  `${channelLua}
local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, ${stepMax})
for _, number in ipairs(due) do
  local fields = cmsgpack.unpack(redis.call('HGET', delayedMessages, number))
  redis.call('XADD', stream, '*', unpack(fields))
  redis.call('HDEL', delayedMessages, number)
  redis.call('ZREM', delayed, number)
end
if #due > 0 then wake() end
return #due
`,
)

export async function promoteDelayed(context: Context, channel: string): Promise<void> {
  const args = [publishWord(context, channel)]
  const home = context.home(channel)
  while ((await home.run<number>(promoting, channelKeys(channel), args, 'receive')) === stepMax);
}
