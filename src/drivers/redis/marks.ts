import type { Marks } from '../../core/driver.ts'
import type { Token } from '../../core/message.ts'
import { Script } from './script.ts'
import type { Home } from './servers.ts'

/** What is written for an id that was worked off. */
export const doneMark = 'done'

// They work at maxmemory: what nobody may take is never settled, and the server stays full.
const claiming = new Script(`#!lua flags=allow-oom
local said = {}
for at, mark in ipairs(KEYS) do
  local found = redis.call('GET', mark)
  if found == '${doneMark}' then
    said[at] = 'done'
  elseif found and found ~= ARGV[1] then
    said[at] = 'busy'
  else
    redis.call('SET', mark, ARGV[1], 'PX', ARGV[2])
    said[at] = 'mine'
  end
end
return said
`)

const finishing = new Script(`#!lua flags=allow-oom
for _, mark in ipairs(KEYS) do redis.call('SET', mark, '${doneMark}', 'PX', ARGV[1]) end
`)

const forgetting = new Script(`#!lua flags=allow-oom
for _, mark in ipairs(KEYS) do
  if redis.call('GET', mark) == ARGV[1] then redis.call('DEL', mark) end
end
`)

/** The consume-dedupe store: one key for each id, which ends by itself. */
export function redisMarks(home: Home, keyOf: (id: string) => string): Marks {
  const run = async <T>(script: Script, ids: readonly string[], operation: string, arg: string[]) =>
    await home.run<T>(script, ids.map(keyOf), arg, operation)
  return {
    async claim(ids, by, leaseMs) {
      if (ids.length === 0) return []
      return await run(claiming, ids, 'claim', [ownerOf(by), wholeMs(leaseMs)])
    },
    async finish(ids, by, keepMs) {
      if (ids.length === 0) return
      if (keepMs === 'forget') await run(forgetting, ids, 'finish', [ownerOf(by)])
      else await run(finishing, ids, 'finish', [wholeMs(keepMs)])
    },
  }
}

const ownerOf = ({ reader, serial }: Token) => `${serial} ${reader}`
const wholeMs = (ms: number) => String(Math.max(1, Math.ceil(ms)))
