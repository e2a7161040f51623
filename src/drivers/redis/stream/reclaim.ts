import { Script } from '../script.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

/** Messages taken out of a hand in one step. */
const stepMax = 1_000

/**
 * Takes out of the hand of a reader what it holds: `expired` where its lease has ended, and then
 * each message that it had begun counts one crash more; `opened`, in order, by the source that was
 * opened for it last. The reader is void before anything of it is handed on: what it settles from
 * then on is late. It is gone, and its consumer too, when nothing of it is pending any more.
 * Returns whether there is more to do.
 */
const reclaiming = new Script(
  `${groupLua}
local why = ARGV[5]
local untilMs = tonumber(redis.call('ZSCORE', readers, me) or 0)
if why == 'expired' then
  if untilMs > now then return 0 end
elseif redis.call('HGET', self, 'opened') ~= ARGV[4] then
  return 0
end
redis.call('ZADD', readers, 0, me)
local isTaken = redis.call('HGET', self, 'charge') ~= 'marked'
if why == 'expired' then redis.call('HDEL', self, 'opened') end
local held = redis.pcall('XPENDING', stream, group, '-', '+', ${stepMax}, me)
if held.err then held = {} end
local begun = {}
if not isTaken then
  local known = redis.call('HGETALL', self)
  for n = 1, #known, 2 do
    if string.sub(known[n], 1, 6) == 'begun:' then
      for id in string.gmatch(known[n + 1], '%S+') do begun[id] = true end
    end
  end
end
for _, one in ipairs(held) do
  local id, count = one[1], one[4]
  local isCharged = why == 'expired' and (isTaken or begun[id])
  local crashes = isCharged and count or count - 1
  toNobody(id, crashes)
  redis.call('ZADD', back, crashes, pad(id))
end
if #held > 0 then wake() end
if #held == ${stepMax} then return 1 end
redis.call('DEL', self)
redis.call('ZREM', readers, me)
redis.pcall('XGROUP', 'DELCONSUMER', stream, group, me)
return 0
`,
)

const lookingForExpired = new Script(
  `${groupLua}
return redis.call('ZRANGEBYSCORE', readers, '-inf', now)
`,
)

/** What was read and shall not have been: back at once, uncharged, whoever speaks for the reader. */
const returning = new Script(
  `${groupLua}
for at = 5, #ARGV do
  local id = ARGV[at]
  local one = redis.call('XPENDING', stream, group, id, id, 1, me)[1]
  if one then
    toNobody(id, one[4] - 1)
    redis.call('ZADD', back, one[4] - 1, pad(id))
  end
end
wake()
return 0
`,
)

/** What is for another group is done with here. */
const passing = new Script(
  `${groupLua}
local isByKey = order() ~= 'none'
for at = 5, #ARGV do
  local id = ARGV[at]
  local key = isByKey and keyOf(id)
  redis.call('XACK', stream, group, id)
  if key then leave(key, pad(id)) end
end
return 0
`,
)

/** The lease of a reader has ended: others take what it held. */
export async function reclaimExpired(line: Line, reader: string): Promise<void> {
  while ((await line.run<number>(reclaiming, reader, '', ['expired'])) === 1);
}

/** The same of all readers whose leases have ended. Returns whether there were any. */
export async function reclaimAll(line: Line): Promise<boolean> {
  const expired = await line.run<string[]>(lookingForExpired, '', '', [])
  for (const reader of expired) await reclaimExpired(line, reader)
  return expired.length > 0
}

/** The reader ends in order, and nobody is charged. */
export async function giveUp(line: Line, reader: string, opened: string): Promise<void> {
  while ((await line.run<number>(reclaiming, reader, opened, ['closed'])) === 1);
}

export async function giveBack(line: Line, reader: string, ids: readonly string[]): Promise<void> {
  await line.run(returning, reader, '', ids)
}

export async function passBy(line: Line, reader: string, ids: readonly string[]): Promise<void> {
  await line.run(passing, reader, '', ids)
}
