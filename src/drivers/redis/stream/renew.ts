import type { ReaderSpec } from '../../../core/channel.ts'
import { Script } from '../script.ts'
import type { HeldEntry } from './hand.ts'
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
redis.call('ZADD', readers, now + tonumber(ARGV[5]), me)
for at = 7, #ARGV do
  redis.call('HSET', self, 'begun:' .. ARGV[at], 1)
end
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
  readonly marked: readonly HeldEntry[]
  /** How many it holds by its own account. */
  readonly expected: number
}

/** `owned`: entry → its delivery, of all that is in its hand; null: as many as it says. */
export async function renew(
  line: Line,
  { spec, opened, marked, expected }: Renewal,
): Promise<{ state: string; owned: Map<string, number> | null }> {
  const begun = marked.map(({ token }) => token.entry)
  const args = [String(spec.leaseMs), String(expected), ...begun]
  const reply = await line.run<[string, (string | number)[]?]>(renewing, spec.reader, opened, args)
  const [state, list] = reply
  if (!list) return { state, owned: null }
  const owned = new Map<string, number>()
  for (let at = 0; at < list.length; at += 2) owned.set(String(list[at]), Number(list[at + 1]))
  return { state, owned }
}
