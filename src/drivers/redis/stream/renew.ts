import type { ReaderSpec } from '../../../core/channel.ts'
import { Script } from '../script.ts'
import type { Begun } from './begun.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

/**
 * The reader lives, and work on some of what it holds has begun. Where the server counts fewer in
 * its hand than it does itself, it is told which.
 */
const renewing = new Script(
  `${groupLua}
local current = state()
if current ~= 'ok' then return { current } end
redis.call('ZADD', readers, leaseEnd(tonumber(ARGV[5])), me)
if ARGV[7] ~= '' then redis.call('HSET', self, ARGV[7], ARGV[8]) end
for at = 9, #ARGV do redis.call('HDEL', self, ARGV[at]) end
if ARGV[6] == '' then return { current } end
local pending = redis.pcall('XPENDING', stream, group)
if pending.err then return { 'expired' } end
local count = 0
for _, one in ipairs(pending[4] or {}) do
  if one[1] == me then count = tonumber(one[2]) end
end
if count == tonumber(ARGV[6]) then return { current } end
local owned = {}
for _, one in ipairs(redis.call('XPENDING', stream, group, '-', '+', 1000000, me)) do
  owned[#owned + 1] = one[1]
  owned[#owned + 1] = one[4]
end
return { current, owned }
`,
)

export interface Renewal {
  readonly spec: ReaderSpec
  readonly opened: string
  /** What has begun since the last renewal, and the marks that nothing is left of. */
  readonly begun: Begun | null
  readonly over: readonly Begun[]
  /** How many it holds by its own account; null: that is not compared. */
  readonly expected: number | null
}

/** `owned`: entry → its delivery, of all that is in its hand; null: as many as it says. */
export async function renew(
  line: Line,
  { spec, opened, begun, over, expected }: Renewal,
): Promise<{ state: string; owned: Map<string, number> | null }> {
  const mark = [begun?.field ?? '', begun?.text ?? '']
  const fields = over.map(({ field }) => field)
  const args = [String(spec.leaseMs), String(expected ?? ''), ...mark, ...fields]
  const reply = await line.run<[string, (string | number)[]?]>(renewing, spec.reader, opened, args)
  const [state, list] = reply
  if (!list) return { state, owned: null }
  const owned = new Map<string, number>()
  for (let at = 0; at < list.length; at += 2) owned.set(String(list[at]), Number(list[at + 1]))
  return { state, owned }
}
