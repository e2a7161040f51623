import { Script } from '../script.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

/** Messages looked at in one step. */
const stepMax = 1_000

/**
 * What is pending where nobody would ever look: at a consumer that is no reader of ours and has
 * not been heard of for long (a program of others that died; it is charged), or with nobody, but
 * in none of our helpers (somebody has removed those). Returns how many came back.
 */
const reconciling = new Script(
  `${groupLua}
local idleMs = tonumber(ARGV[5])
local found = 0
local withNobody = 0
local pending = redis.pcall('XPENDING', stream, group)
if pending.err then return 0 end
for _, one in ipairs(pending[4] or {}) do
  if one[1] == nobody then withNobody = tonumber(one[2]) end
end
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local name, count, idle = info[2], info[4], info[6]
  if name ~= nobody and count > 0 and idle > idleMs and not redis.call('ZSCORE', readers, name) then
    for _, one in ipairs(redis.call('XPENDING', stream, group, '-', '+', ${stepMax}, name)) do
      local id, crashes = one[1], one[4]
      toNobody(id, crashes)
      local key = order() ~= 'none' and keyOf(id)
      if not key or enter(key, pad(id)) then redis.call('ZADD', back, crashes, pad(id)) end
      found = found + 1
    end
  end
end
local known = redis.call('ZCARD', back) + redis.call('ZCARD', retry) + redis.call('ZCARD', behind)
if withNobody > known then
  for _, one in ipairs(redis.call('XPENDING', stream, group, '-', '+', ${stepMax}, nobody)) do
    local id, crashes = one[1], one[4]
    local padded = pad(id)
    local isKnown = redis.call('ZSCORE', back, padded) or redis.call('ZSCORE', retry, padded)
    local key = not isKnown and order() ~= 'none' and keyOf(id)
    if key and redis.call('ZSCORE', behind, lane(key) .. padded) then isKnown = true end
    if not isKnown then
      if not key or enter(key, padded) then redis.call('ZADD', back, crashes, padded) end
      found = found + 1
    end
  end
end
if found > 0 then wake() end
return found
`,
)

/** `idleMs`: how long a consumer that is not ours must have been silent. */
export async function reconcile(line: Line, idleMs: number): Promise<number> {
  return await line.run<number>(reconciling, '', '', [String(idleMs)])
}
