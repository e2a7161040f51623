import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import type { Entry } from './entry.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

export interface Room {
  readonly messages: number
  readonly bytes: number
}

/** What a take brought. */
export interface Took {
  readonly entry: Entry
  readonly crashes: number
  /** What `settle` has noted of its failures; null: nothing. */
  readonly noted: string | null
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
local function sizeOf(entry)
  local fields = entry[2]
  if fields[1] == 'data' then return #fields[2] end
  local size = 0
  for n = 1, #fields do size = size + #fields[n] end
  return size
end
local function fits(entry)
  local size = sizeOf(entry)
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
  reader: string,
  opened: string,
  room: Room,
  charge: string,
): Promise<{ took: Took[]; gone: number }> {
  const args = [String(Math.min(takeMax, room.messages)), String(room.bytes), charge]
  const reply = await line.run<BackReply>(takingBack, reader, opened, args, 'bytes')
  const [entries, noted, crashes, gone] = reply
  const took = entries.map((entry, at) => {
    return { entry, crashes, noted: noted[at]?.toString() ?? null }
  })
  return { took, gone }
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
local function sizeOf(fields)
  if fields[1] == 'data' then return #fields[2] end
  local size = 0
  for n = 1, #fields do size = size + #fields[n] end
  return size
end
local isFull, isEnd = false, false
while not isFull and not isEnd and looked < ${lookMax} do
  local count = math.min(page, ${lookMax} - looked)
  local reply = redis.call('XREADGROUP', 'GROUP', group, me, 'COUNT', count, 'STREAMS', stream, '>')
  local entries = reply and reply[1][2] or {}
  isEnd = #entries < count
  for _, entry in ipairs(entries) do
    local id, fields = entry[1], entry[2]
    local padded = pad(id)
    local key = false
    for n = 1, #fields, 2 do
      if fields[n] == 'key' then key = fields[n + 1] end
    end
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
  reader: string,
  opened: string,
  room: Room,
): Promise<{ took: Took[]; isMore: boolean }> {
  const args = [String(Math.min(takeMax, room.messages)), String(room.bytes)]
  const reply = await line.run<[Entry[], number]>(takingByKey, reader, opened, args, 'bytes')
  const [entries, more] = reply
  return { took: entries.map(fresh), isMore: more === 1 }
}

const fresh = (entry: Entry): Took => ({ entry, crashes: 0, noted: null })

/** Takes along the stream. What does not fit was taken too, and must be given back. */
export async function takeFresh(
  line: Line,
  reader: string,
  count: number,
  room: Room,
): Promise<{ took: Took[]; over: string[] }> {
  const { channel, group } = line
  const asked = ['GROUP', group, reader, 'COUNT', String(count), 'STREAMS', channel, '>']
  const reply = await line.send<unknown>(['XREADGROUP', ...asked], 'bytes')
  const entries = entriesOf(reply)
  const fitting = fittingOf(entries, room.bytes)
  const over = entries.slice(fitting).map(([id]) => id.toString('latin1'))
  return { took: entries.slice(0, fitting).map(fresh), over }
}

function fittingOf(entries: readonly Entry[], bytesRoom: number): number {
  let bytes = 0
  for (const [at, [, fields]] of entries.entries()) {
    bytes += sizeOf(fields)
    if (at > 0 && bytes > bytesRoom) return at
  }
  return entries.length
}

/** Of what it carries: its data, or all of its fields. */
export function sizeOf(fields: readonly Buffer[]): number {
  if (fields[0]?.toString('latin1') === 'data') return (fields[1] as Buffer).length
  return fields.reduce((sum, { length }) => sum + length, 0)
}

/** The reply of RESP3 is a map of streams; here there is one. */
function entriesOf(reply: unknown): Entry[] {
  if (reply === null) return []
  if (Array.isArray(reply)) return reply[1] ?? reply[0]?.[1] ?? []
  if (reply instanceof Map) return [...reply.values()][0] as Entry[]
  return Object.values(reply as Record<string, Entry[]>)[0] ?? []
}
