import type { Room } from '../../../core/driver.ts'
import { Script } from '../script.ts'
import { type Begun, begunField } from './begun.ts'
import type { Entry } from './entry.ts'
import type { Line } from './line.ts'
import { type Look, type LookReply, type LookWish, lookArgs, lookLua, readLook } from './look.ts'
import { readFresh, type Taken } from './take.ts'

/** More cost less where the server hands them over itself, and the mark comes after. */
export const takeBegunMax = 100

/**
 * A look, and where there is nothing but the stream to take from: what is new there, marked as begun
 * in the same step. The marks that nothing is left of go.
 */
const takingBegun = new Script(
  `${lookLua}
for at = 10, #ARGV do redis.call('HDEL', self, ARGV[at]) end
local isDue = seen[5] == 0 or seen[6] == 0
if seen[2] == 1 or seen[3] ~= 'none' or seen[4] > 0 or isDue or expired then return seen end
local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', ARGV[7], 'STREAMS', stream, '>')
local entries = reply and reply[1][2] or {}
local ids, bytes = {}, 0
for at, entry in ipairs(entries) do
  bytes = bytes + sizeOf(entry[2])
  if at > 1 and bytes > tonumber(ARGV[8]) then break end
  ids[at] = entry[1]
end
if #ids > 0 then redis.call('HSET', self, ARGV[9], table.concat(ids, ' ')) end
seen[8], seen[9] = entries, #ids
return seen
`,
)

type Reply = [...LookReply, entries?: Entry[], marked?: number]

export interface BegunTake extends LookWish {
  readonly count: number
  readonly room: Room
  /** Names the mark: the first that it may be for. */
  readonly serial: number
}

/** Null where something else is to be done first. `over`: the marks that go. */
export async function takeBegun(
  line: Line,
  wish: BegunTake,
  over: readonly Begun[],
): Promise<[Look, Taken | null]> {
  const askedMs = performance.now()
  const { reader, opened, leaseMs, count, room, serial } = wish
  const fields = [begunField(serial), ...over.map(({ field }) => field)]
  const args = [...lookArgs(wish), String(count), String(room.bytes), ...fields]
  const reply = await line.run<Reply>(takingBegun, reader, opened, args, 'bytes')
  const [look, entries, marked] = [reply.slice(0, 7) as LookReply, reply[7], reply[8]]
  const taken = entries ? readFresh(line, entries, marked as number) : null
  return [readLook(look, askedMs + leaseMs), taken]
}
