import type { Marks } from '../../../core/driver.ts'
import type { Token } from '../../../core/message.ts'
import { Script } from '../script.ts'
import type { Queue } from './queue.ts'

/** Keys: of the ids. Arguments: owner, leaseMs. */
const claimScript = new Script(`#!lua
local said = {}
for at, mark in ipairs(KEYS) do
  local found = redis.call('GET', mark)
  if found == 'done' then said[at] = 'done'
  elseif found and found ~= ARGV[1] then said[at] = 'busy'
  else
    redis.call('SET', mark, ARGV[1], 'PX', ARGV[2])
    said[at] = 'mine'
  end
end
return said
`)

/** Keys: of the ids. Arguments: owner. */
const forgetScript = new Script(`#!lua flags=allow-oom
for _, mark in ipairs(KEYS) do
  if redis.call('GET', mark) == ARGV[1] then redis.call('DEL', mark) end
end
`)

/** Keys: of the ids. Arguments: keepMs. */
const doneScript = new Script(`#!lua
for _, mark in ipairs(KEYS) do redis.call('SET', mark, 'done', 'PX', ARGV[1]) end
`)

/** The consume-dedupe store: one key for each id, which ends by itself. */
export function listMarks(queue: Queue): Marks {
  const { home, layout } = queue
  const keysOf = (ids: readonly string[]) => ids.map((id) => layout.seen(id))
  return {
    async claim(ids, by, leaseMs) {
      if (ids.length === 0) return []
      return await home.run(claimScript, keysOf(ids), [ownerOf(by), wholeMs(leaseMs)], 'claim')
    },
    async finish(ids, by, keepMs) {
      if (ids.length === 0) return
      const isForgotten = keepMs === 'forget'
      const script = isForgotten ? forgetScript : doneScript
      const args = [isForgotten ? ownerOf(by) : wholeMs(keepMs)]
      await home.run(script, keysOf(ids), args, 'finish')
    },
  }
}

const ownerOf = ({ reader, serial }: Token) => `${serial} ${reader}`
const wholeMs = (ms: number) => String(Math.max(1, Math.ceil(ms)))
