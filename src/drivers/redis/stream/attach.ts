import type { Ordering, ReaderSpec } from '../../../core/channel.ts'
import type { Token } from '../../../core/message.ts'
import { Script } from '../script.ts'
import { countMax, lagLua } from './lagLua.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'
import { reclaimExpired } from './reclaim.ts'
import type { StreamToken } from './token.ts'

/**
 * Opens a reader. Its group is made where there is none and a place to begin is given. What it
 * holds and does not have in hand any more goes back, uncharged. Each opening has a number of its
 * own, above all serials of the ones before.
 */
const attaching = new Script(
  `${groupLua}${lagLua}
local worker, charge, leaseMs, wanted = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local from, read, above = ARGV[9], ARGV[10], tonumber(ARGV[11])
local pending = redis.pcall('XPENDING', stream, group)
if pending.err then
  if not string.find(pending.err, 'NOGROUP', 1, true) then return redis.error_reply(pending.err) end
  if from == '' then return { 'nogroup', '', {}, {} } end
  redis.call('XGROUP', 'CREATE', stream, group, from, 'MKSTREAM', 'ENTRIESREAD', read)
  redis.call('DEL', back, retry, counts, heads, behind, self)
  redis.call('ZREM', readers, me)
  redis.call('HDEL', flags, run)
  pending = redis.call('XPENDING', stream, group)
end
if group ~= nobody then
  if not isCounted() then
    local last, added
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
      if info[2] == group then last = info[8] end
    end
    local info = redis.call('XINFO', 'STREAM', stream)
    for n = 1, #info, 2 do
      if info[n] == 'entries-added' then added = info[n + 1] end
    end
    local count = untaken(last)
    local known = count > ${countMax} and -1 or added - count
    redis.call('XGROUP', 'SETID', stream, group, last, 'ENTRIESREAD', known)
  end
  redis.call('HSET', flags, run, serverRun())
end
local untilMs = tonumber(redis.call('ZSCORE', readers, me) or 0)
local known = redis.call('HGET', self, 'opened')
if untilMs <= now then
  if #redis.call('XPENDING', stream, group, '-', '+', 1, me) > 0 or untilMs > 0 then
    return { 'expired', '', {}, {} }
  end
  known = false
end
local ordering = order()
if wanted ~= '' and wanted ~= ordering then
  local others = redis.call('ZRANGEBYSCORE', readers, '(' .. string.format('%.0f', now), '+inf')
  for _, other in ipairs(others) do
    if other ~= me then return { 'conflict', ordering, {}, {} } end
  end
  for _, one in ipairs(pending[4] or {}) do
    if one[1] ~= nobody then return { 'conflict', ordering, {}, {} } end
  end
  redis.call('HSET', flags, 'order:' .. group, wanted)
  local isByKey = wanted ~= 'none'
  if isByKey ~= (ordering ~= 'none') then
    if isByKey then
      local waiting = redis.call('ZRANGE', back, 0, -1)
      table.sort(waiting)
      for _, id in ipairs(waiting) do
        local key = keyOf(id)
        if key and not enter(key, id) then redis.call('ZREM', back, id) end
      end
    else
      for _, one in ipairs(redis.call('ZRANGE', behind, 0, -1)) do
        local id = string.sub(one, -41)
        redis.call('ZADD', back, crashesOf(id), id)
      end
      redis.call('DEL', behind, heads)
    end
  end
end
local holding = {}
for at = 12, #ARGV, 2 do
  holding[ARGV[at]] = tonumber(ARGV[at + 1])
end
local wasBegun, begun, kept = {}, {}, {}
local noted = redis.call('HGETALL', self)
for n = 1, #noted, 2 do
  if string.sub(noted[n], 1, 6) == 'begun:' then
    for id in string.gmatch(noted[n + 1], '%S+') do wasBegun[id] = true end
    redis.call('HDEL', self, noted[n])
  end
end
for _, one in ipairs(redis.call('XPENDING', stream, group, '-', '+', 1000000, me)) do
  local id, count = one[1], one[4]
  if known and holding[id] == count then
    kept[#kept + 1] = id
    if wasBegun[id] then begun[#begun + 1] = id end
  else
    toNobody(id, count - 1)
    redis.call('ZADD', back, count - 1, pad(id))
  end
end
local opened = math.max((now - 1700000000000) * 4096, above + 1, tonumber(known or 0) + 1)
opened = string.format('%.0f', opened)
if #begun > 0 then redis.call('HSET', self, 'begun:0', table.concat(begun, ' ')) end
redis.call('HSET', self, 'opened', opened, 'worker', worker, 'charge', charge)
redis.call('ZADD', readers, leaseEnd(leaseMs), me)
wake()
return { known and 'again' or 'new', opened, kept, begun }
`,
)

/** Where a group begins that is not there yet. */
export interface Beginning {
  readonly id: string
  /** How many entries ever came up to there: from it the server knows how far the group is. */
  readonly entriesRead: number
}

export type Attached =
  | { readonly state: 'no-group' }
  | { readonly state: 'conflict'; readonly found: Ordering }
  | {
      readonly state: 'open'
      readonly opened: string
      /** What it has in hand, and owns. */
      readonly kept: readonly StreamToken[]
      /** Entries of these that it had begun. */
      readonly begun: readonly string[]
      /** What it has in hand, and lost. */
      readonly lost: readonly Token[]
      /** Monotonic, from before the request left. */
      readonly askedMs: number
    }

/** `above`: the last serial that this reader has given out. */
export async function attach(
  line: Line,
  spec: ReaderSpec,
  holding: readonly Token[],
  above: number,
  beginning: Beginning | null,
): Promise<Attached> {
  const { reader, worker, charge, leaseMs, order } = spec
  const inHand = holding.filter((token) => token.reader === reader && 'entry' in token)
  const args = [
    ...[worker.id, charge, String(leaseMs), order ?? ''],
    ...[beginning?.id ?? '', String(beginning?.entriesRead ?? 0), String(above)],
    ...(inHand as StreamToken[]).flatMap(({ entry, count }) => [entry, String(count)]),
  ]
  let isExpired = false
  for (;;) {
    const askedMs = performance.now()
    const answer = await line.run<[string, string, string[], string[]]>(attaching, reader, '', args)
    const [state, found, kept, begun] = answer
    if (state === 'nogroup') return { state: 'no-group' }
    if (state === 'conflict') return { state: 'conflict', found: found as Ordering }
    if (state === 'expired') {
      isExpired = true
      await reclaimExpired(line, reader)
      continue
    }
    const stillHeld = new Set(kept)
    const tokens = inHand as StreamToken[]
    const isKept = (token: Token) => stillHeld.has((token as StreamToken).entry)
    return {
      state: 'open',
      opened: found,
      kept: tokens.filter(isKept),
      begun,
      // Where it never expired, what is not there any more was settled before.
      lost: state === 'again' && !isExpired ? others(holding, inHand) : without(holding, isKept),
      askedMs,
    }
  }
}

const others = (all: readonly Token[], some: readonly Token[]) =>
  all.filter((token) => !some.includes(token))
const without = (all: readonly Token[], isOne: (token: Token) => boolean) =>
  all.filter((token) => !isOne(token))
