import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import { type Entry, type EntryMessage, readEntry, type TextEntry } from './entry.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

export interface Room {
  readonly messages: number
  readonly bytes: number
}

/** As texts, or as bytes where what came last was no text. */
export type Form = 'text' | 'bytes'

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

type AnyEntry = Entry | TextEntry
type BackReply = [
  entries: AnyEntry[],
  noted: (Buffer | string | null)[],
  crashes: number,
  gone: number,
]

/** `gone`: so many that waited here were deleted by another program. */
export async function takeBack(
  line: Line,
  { reader, opened, charge }: { reader: string; opened: string; charge: string },
  room: Room,
  form: Form,
): Promise<Taken & { gone: number }> {
  const args = [String(Math.min(takeMax, room.messages)), String(room.bytes), charge]
  const reply = await line.run<BackReply>(takingBack, reader, opened, args, form)
  const [entries, notes, crashes, gone] = reply
  const taken = await readAll(line, entries, (at) => ({
    crashes,
    noted: notes[at]?.toString() ?? null,
  }))
  return { ...taken, gone }
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
  form: Form,
): Promise<Taken & { isMore: boolean }> {
  const args = [String(Math.min(takeMax, room.messages)), String(room.bytes)]
  const reply = await line.run<[AnyEntry[], number]>(takingByKey, reader, opened, args, form)
  const [entries, more] = reply
  return { ...(await readAll(line, entries, () => fresh)), isMore: more === 1 }
}

const fresh = { crashes: 0, noted: null }

/** Takes along the stream. What does not fit was taken too. */
export async function takeFresh(
  line: Line,
  reader: string,
  count: number,
  room: Room,
  form: Form,
): Promise<Taken> {
  const { channel, group } = line
  const asked = ['GROUP', group, reader, 'COUNT', String(count), 'STREAMS', channel, '>']
  const reply = await line.send<unknown>(['XREADGROUP', ...asked], form)
  const { took, over } = await readAll(line, entriesOf(reply), () => fresh)
  let bytes = 0
  const fitting = took.findIndex(({ read }, at) => {
    bytes += read.message.bytes
    return at > 0 && bytes > room.bytes
  })
  if (fitting < 0) return { took, over }
  const beyond = took.splice(fitting).map(({ position }) => position)
  return { took, over: [...over, ...beyond] }
}

/** What is no text is asked for again, as bytes; what was deleted meanwhile is given back. */
async function readAll(
  line: Line,
  entries: readonly AnyEntry[],
  known: (at: number) => Pick<Took, 'crashes' | 'noted'>,
): Promise<Taken> {
  const { channel } = line
  const took: Took[] = []
  const over: string[] = []
  for (const [at, entry] of entries.entries()) {
    const position = entry[0].toString()
    const { crashes, noted } = known(at)
    let read = readEntry(channel, entry)
    if (read.isBroken) {
      const [again] = await line.send<Entry[]>(['XRANGE', channel, position, position], 'bytes')
      if (again) read = readEntry(channel, again)
    }
    if (read.isBroken) over.push(position)
    else took.push({ position, read, crashes, noted })
  }
  return { took, over }
}

/** The reply of RESP3 is a map of streams; here there is one. */
function entriesOf(reply: unknown): AnyEntry[] {
  if (reply === null) return []
  if (Array.isArray(reply)) return reply[1] ?? reply[0]?.[1] ?? []
  if (reply instanceof Map) return [...reply.values()][0] as AnyEntry[]
  return Object.values(reply as Record<string, AnyEntry[]>)[0] ?? []
}
