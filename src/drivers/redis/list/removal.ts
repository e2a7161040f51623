import { removeOwn } from '../removeOwn.ts'
import { find } from './look.ts'
import { channelScript, lanesLua, readyLua } from './lua.ts'
import type { Queue } from './queue.ts'
import { reclaimExpired } from './readers.ts'
import { lostKeptMs } from './reclaimScript.ts'

/** Messages removed by one command. */
const stepMax = 1_000

/**
 * Removes what waits, a step at a time: what is behind first, so that nobody takes the place of a
 * head. Arguments: announce, how many, how many at most of what producers wrote. Replies how many
 * were removed, and how many of them producers wrote.
 */
const purgeScript = channelScript(
  readyLua,
  lanesLua,
  `
local most, written = tonumber(ARGV[2]), tonumber(ARGV[3])
local era = redis.call('HGET', flags, 'era') or '0'
local found = redis.call('ZPOPMIN', behind, most)
for at = 1, #found, 2 do
  local size = string.match(found[at], '^(%d+):')
  redis.call('ZREM', turns, string.sub(found[at], 1, #size + 1 + size + 1 + 16))
end
if #found > 0 then return { #found / 2, 0 } end
for _, place in ipairs({ suspects, delayed }) do
  found = redis.call('ZPOPMIN', place, most)
  for at = 1, #found, 2 do leave(open(found[at]), era) end
  if #found > 0 then return { #found / 2, 0 } end
end
found = redis.call('RPOP', back, most) or {}
for _, value in ipairs(found) do leave(open(value), era) end
if #found > 0 then return { #found, 0 } end
local before = redis.call('LLEN', orders)
if before == 0 or written <= 0 then return { 0, 0 } end
redis.call('LTRIM', orders, 0, -1 - math.min(most, written))
local removed = before - redis.call('LLEN', orders)
count('popped', removed)
count('returned', removed)
return { removed, removed }
`,
)

/** Removes what waited when it was called; returns how many. */
export async function purge(queue: Queue): Promise<number> {
  const { home, layout } = queue
  let written = await home.send<number>(['LLEN', layout.orders], 'purge')
  for (let all = 0; ; ) {
    const args = [String(stepMax), String(written)]
    const [removed, ofThem] = await queue.run<[number, number]>(purgeScript, 'purge', '', args)
    if (removed === 0) return all
    all += removed
    written -= ofThem
  }
}

/** Arguments: announce, where, value, serial, reader. Replies 1 when it was there. */
const removeScript = channelScript(
  readyLua,
  lanesLua,
  `
local _, where, value, serial, name = unpack(ARGV)
local era = redis.call('HGET', flags, 'era') or '0'
if where == 'orders' then
  if redis.call('LREM', orders, -1, value) == 0 then return 0 end
  count('popped', 1)
  count('returned', 1)
  return 1
end
local m = open(value, '-')
if where == 'held' then
  if redis.call('HGET', held, serial) ~= value then return 0 end
  redis.call('HDEL', held, serial)
  redis.call('HSET', lost, serial, 'cancelled')
  redis.call('PEXPIRE', lost, ${lostKeptMs})
  redis.call('HINCRBY', reader, 'lost', 1)
  count('returned', 1)
elseif where == 'back' then
  if redis.call('LREM', back, -1, value) == 0 then return 0 end
elseif where == 'behind' then
  local lane = laneOf(m.key) .. select(2, placeOf(m))
  if redis.call('ZREM', behind, lane .. value) == 0 then return 0 end
  redis.call('ZREM', turns, lane)
  return 1
else
  if redis.call('ZREM', where == 'suspects' and suspects or delayed, value) == 0 then return 0 end
end
leave(m, era)
announce()
return 1
`,
)

/** Wherever it lies; who has it in hand loses it. */
export async function removeMessage(queue: Queue, id: string): Promise<boolean> {
  for (;;) {
    await reclaimExpired(queue)
    const placed = await find(queue, id)
    if (placed === null) return false
    const { section, raw, serial } = placed
    const args = [section.where, raw, serial]
    if ((await queue.run(removeScript, 'removeMessage', section.reader, args)) === 1) return true
  }
}

/** Every key of the queue. Who waits or holds something finds that it is gone. */
export async function removeKeys(queue: Queue): Promise<void> {
  const { home, layout } = queue
  await removeOwn(home, layout.orders, 'list')
  const pattern = `{${layout.channel}}:*`
  for (let cursor = '0'; ; ) {
    const command = ['SCAN', cursor, 'MATCH', pattern, 'COUNT', String(stepMax)]
    const [next, keys] = await home.send<[string, string[]]>(command, 'remove')
    if (keys.length > 0) await home.send(['UNLINK', ...keys], 'remove')
    if (next === '0') break
    cursor = next
  }
  await queue.wake()
}
