import type { Room } from '../../../core/driver.ts'
import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import { type Entry, type EntryMessage, readEntry } from './entry.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

/** One entry that a take brought. */
export interface Took {
  readonly position: string
  readonly read: EntryMessage
  readonly crashes: number
  /** What `settle` has noted of its failures; null: nothing. */
  readonly noted: string | null
}

/** What a take brought; `over` has the ids of what was taken too, and must be given back. */
export interface Taken {
  readonly took: Took[]
  readonly over: string[]
}

/** More are not taken in one step, whatever the room. */
export const takeMax = 1_000

/** Due retries become ready; by key they get behind the one of their key that is there. */
const promoteLua = `
for _, id in ipairs(redis.call('ZRANGEBYSCORE', retry, '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', retry, id)
  local crashes = crashesOf(id)
  toNobody(id, crashes)
  local key = order() ~= 'none' and keyOf(id)
  if not key or enter(key, id) then redis.call('ZADD', back, crashes, id) end
end
`

/**
 * Takes what is ready again: suspects first and apart, with charge \`taken\` one alone. What somebody
 * has deleted from the stream meanwhile cannot be taken; it is counted.
 */
const takeBackLua = `
local room, bytesRoom, isTaken = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == 'taken'
local taken, noted, gone, bytes = {}, {}, 0, 0
local function fits(entry)
  local size = sizeOf(entry[2])
  if #taken > 0 and bytes + size > bytesRoom then return false end
  bytes = bytes + size
  return true
end
local function plain(id)
  return (string.gsub(string.gsub(id, '^0+(%d)', '%1'), '-0+(%d)', '-%1'))
end
local function freeDeleted(id)
  if order() == 'none' then return end
  local all = redis.call('HGETALL', heads)
  for n = 1, #all, 2 do
    if all[n + 1] == id then leave(all[n], id) end
  end
end
local suspect = redis.call('ZRANGEBYSCORE', back, '(0', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local crashes = tonumber(suspect[2] or 0)
local limit = crashes > 0 and isTaken and 1 or room
for _, id in ipairs(redis.call('ZRANGEBYSCORE', back, crashes, crashes, 'LIMIT', 0, limit)) do
  local entry = redis.call('XCLAIM', stream, group, me, 0, id, 'RETRYCOUNT', crashes + 1)[1]
  if not entry then
    redis.call('ZREM', back, id)
    redis.call('XACK', stream, group, id)
    redis.call('HDEL', counts, plain(id))
    freeDeleted(id)
    gone = gone + 1
  elseif fits(entry) then
    redis.call('ZREM', back, id)
    taken[#taken + 1] = entry
    noted[#noted + 1] = redis.call('HGET', counts, entry[1])
  else
    toNobody(id, crashes)
    break
  end
end
`

const takingBack = new Script(
  `${groupLua}
if state() ~= 'ok' then return { {}, {}, 0, 0 } end
${promoteLua}
${takeBackLua}
return { taken, noted, crashes, gone }
`,
)

type BackReply = [entries: Entry[], noted: (Buffer | null)[], crashes: number, gone: number]

/** `gone`: so many that waited here were deleted by another program. */
export async function takeBack(
  line: Line,
  { reader, opened, charge }: { reader: string; opened: string; charge: string },
  room: Room,
): Promise<Taken & { gone: number }> {
  const args = [String(Math.min(takeMax, room.messages)), String(room.bytes), charge]
  const reply = await line.run<BackReply>(takingBack, reader, opened, args, 'bytes')
  const [entries, notes, crashes, gone] = reply
  const known = (at: number) => ({ crashes, noted: notes[at]?.toString() ?? null })
  return { took: readAll(line, entries, known), over: [], gone }
}

export function deleted({ channel, group }: Line, count: number) {
  return redisError(
    'STORE_UNUSABLE',
    'receive',
    `${count} messages that ${group} had not settled were deleted from "${channel}"`,
    { channel, hint: 'Another program has used XDEL, XTRIM or MAXLEN on this stream.' },
  )
}

/** Messages looked at in one step; each gets behind its key once, and is not seen again. */
const lookMax = 1_000

/**
 * Along the stream in pages that grow as long as keys are found taken: of each key one message, and
 * none of a key that has one at its head. What it meets on the way gets behind that.
 */
const takingByKey = new Script(
  `${groupLua}
if state() ~= 'ok' then return { {}, 0 } end
local room, bytesRoom = tonumber(ARGV[5]), tonumber(ARGV[6])
local taken, aside, bytes, looked, page = {}, {}, 0, 0, room
local isFull, isEnd = false, false
while not isFull and not isEnd and looked < ${lookMax} do
  local count = math.min(page, ${lookMax} - looked)
  local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', count, 'STREAMS', stream, '>')
  local entries = reply and reply[1][2] or {}
  isEnd = #entries < count
  for _, entry in ipairs(entries) do
    local id, fields = entry[1], entry[2]
    local padded = pad(id)
    local key = keyIn(fields)
    looked = looked + 1
    if key and not enter(key, padded) then
      aside[#aside + 1] = id
    else
      local size = sizeOf(fields)
      local isOver = #taken >= room or (#taken > 0 and bytes + size > bytesRoom)
      if isFull or isOver then
        isFull = true
        aside[#aside + 1] = id
        redis.call('ZADD', back, 0, padded)
      else
        bytes = bytes + size
        taken[#taken + 1] = entry
      end
    end
  end
  isFull = isFull or #taken >= room
  page = page * 4
end
each(aside, function(...)
  local ids = { ... }
  ids[#ids + 1] = 'JUSTID'
  ids[#ids + 1] = 'RETRYCOUNT'
  ids[#ids + 1] = 0
  redis.call('XCLAIM', stream, group, nobody, 0, unpack(ids))
end)
return { taken, (isEnd or #taken > 0) and 0 or 1 }
`,
)

/** `isMore`: nothing was found so far, but not everything was looked at. */
export async function takeByKey(
  line: Line,
  { reader, opened }: { reader: string; opened: string },
  room: Room,
): Promise<Taken & { isMore: boolean }> {
  const args = [String(Math.min(takeMax, room.messages)), String(room.bytes)]
  const reply = await line.run<[Entry[], number]>(takingByKey, reader, opened, args, 'bytes')
  const [entries, more] = reply
  return { took: readAll(line, entries, () => fresh), over: [], isMore: more === 1 }
}

const fresh = { crashes: 0, noted: null }

/** Takes along the stream. What does not fit was taken too. */
export async function takeFresh(
  line: Line,
  reader: string,
  count: number,
  room: Room,
): Promise<Taken> {
  const { channel, group } = line
  const asked = ['GROUP', group, reader, 'COUNT', String(count), 'STREAMS', channel, '>']
  const reply = await line.send<unknown>(['XREADGROUP', ...asked], 'bytes')
  const took = readAll(line, entriesOf(reply), () => fresh)
  let bytes = 0
  const fitting = took.findIndex(({ read }, at) => {
    bytes += read.message.bytes
    return at > 0 && bytes > room.bytes
  })
  if (fitting < 0) return { took, over: [] }
  const over = took.splice(fitting).map(({ position }) => position)
  return { took, over }
}

/** Of new entries the first so many; the others must be given back. */
export function readFresh(line: Line, entries: readonly Entry[], count: number): Taken {
  const took = readAll(line, entries.slice(0, count), () => fresh)
  return { took, over: entries.slice(count).map(([id]) => id.toString()) }
}

function readAll(
  { channel }: Line,
  entries: readonly Entry[],
  known: (at: number) => Pick<Took, 'crashes' | 'noted'>,
): Took[] {
  return entries.map((entry, at) => {
    const { crashes, noted } = known(at)
    return { position: entry[0].toString(), read: readEntry(channel, entry), crashes, noted }
  })
}

/** The reply of RESP3 is a map of streams; here there is one. */
function entriesOf(reply: unknown): Entry[] {
  if (reply === null) return []
  if (Array.isArray(reply)) return reply[1] ?? reply[0]?.[1] ?? []
  if (reply instanceof Map) return [...reply.values()][0] as Entry[]
  return Object.values(reply as Record<string, Entry[]>)[0] ?? []
}
