import type { Settlement } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { helperKey } from '../keys.ts'
import { doneMark } from '../marks.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import type { HeldEntry } from './hand.ts'
import { deadKey, groupKeys } from './keys.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'
import type { Noted } from './noted.ts'
import { publishWord } from './words.ts'

/**
 * Settles what the pending list says is in this very hand, for the very delivery that the token
 * names; the rest is late. First come acks of which there is nothing to say: the first delivery of
 * a message that holds up no key. Then other acks, then the rest, one after the other. Each part
 * comes in the order of its ids, and the pending list is walked along with it: one look serves all
 * that follow each other there. Returns which were late.
 */
const settling = new Script(
  `${groupLua}
local dead = KEYS[13]
local isQueue, plain, acks = ARGV[5] == '1', tonumber(ARGV[6]), tonumber(ARGV[7])
local at = 8
local late, done = {}, {}
local current = state()
local isByKey = order() ~= 'none'
local hasCounts = redis.call('EXISTS', counts) == 1
local isWaking = false
local list, here = {}, 1
local function seek(id, more)
  local padded = pad(id)
  while list[here] and pad(list[here][1]) < padded do here = here + 1 end
  if list[here] then return end
  list, here = redis.pcall('XPENDING', stream, group, id, '+', more + 1, me), 1
  if list.err then list = {} end
end
local function owns(id, count, more)
  if current ~= 'ok' then return false end
  if not list[here] or list[here][1] ~= id then seek(id, more) end
  local one = list[here]
  if not one or one[1] ~= id then return false end
  here = here + 1
  return one[4] == count
end
local function finish(ids)
  each(ids, function(...)
    redis.call('XACK', stream, group, ...)
    if isQueue then redis.call('XDEL', stream, ...) end
    if hasCounts then redis.call('HDEL', counts, ...) end
  end)
end
local function free(key, id)
  if isByKey and key ~= '-' and leave(string.sub(key, 2), pad(id)) then isWaking = true end
end
for n = 1, plain do
  local id = ARGV[at]
  if owns(id, 1, plain - n) then
    done[n - #late] = id
  else
    late[#late + 1] = n
  end
  at = at + 1
end
list = {}
for n = plain + 1, plain + acks do
  local id, count, key, mark = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  if owns(id, count, plain + acks - n) then
    done[#done + 1] = id
    free(key, id)
    if mark > 0 then redis.call('SET', KEYS[mark], '${doneMark}', 'PX', ARGV[at + 4]) end
  else
    late[#late + 1] = n
  end
  at = at + 5
end
if #done > 0 then
  finish(done)
  redis.call('HINCRBY', flags, 'out:' .. group, #done)
end
list = {}
local n = plain + acks
while at <= #ARGV do
  n = n + 1
  local id, count, key, kind = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local delayMs, text, begun = tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 6]
  at = at + 8
  if not owns(id, count, (#ARGV + 1 - at) / 8) then
    late[#late + 1] = n
  elseif kind == 'dead' then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    local fields = entry and entry[2] or { 'data', 'null' }
    redis.call('XADD', dead, '*', 'dead-group', group, 'dead-letter', text, 'dead-position', id, unpack(fields))
    finish({ id })
    free(key, id)
  else
    toNobody(id, count - 1)
    if ARGV[at - 1] ~= '' then
      redis.call('HSET', self, begun, ARGV[at - 1])
    elseif begun ~= '' then
      redis.call('HDEL', self, begun)
    end
    if kind == 'retry' then redis.call('HSET', counts, id, text) end
    if delayMs > 0 then
      redis.call('ZADD', retry, now + delayMs, pad(id))
      if kind == 'retry' and order() == 'skip' then free(key, id) end
    else
      redis.call('ZADD', back, count - 1, pad(id))
    end
    isWaking = true
  end
end
if isWaking then wake() end
return { current, unpack(late) }
`,
)

export interface Settler {
  readonly context: Context
  readonly line: Line
  readonly reader: string
  readonly opened: string
  readonly isQueue: boolean
  readonly isByKey: boolean
}

/** One settlement of what is in hand. */
export interface Open {
  readonly held: HeldEntry
  readonly settlement: Settlement
}

/** Not more than the room for values on the stack of a script. */
export const settleMax = 1_000

/** What became of each is noted there; returns what the reader is to the server. */
export async function settle(
  { context, line, reader, opened, isQueue, isByKey }: Settler,
  batch: readonly Open[],
): Promise<string> {
  const [plain, acks, rest]: [Open[], Open[], Open[]] = [[], [], []]
  for (const one of batch.toSorted(byEntry)) {
    const part = isPlain(one, isByKey) ? plain : one.settlement.kind === 'ack' ? acks : rest
    part.push(one)
  }
  const keys = [...groupKeys(line.channel, line.group, reader), deadKey(line.channel)]
  const args: Argument[] = [publishWord(context, line.channel), line.group, reader, opened]
  args.push(isQueue ? '1' : '0', String(plain.length), String(acks.length))
  for (const { held } of plain) args.push(held.token.entry)
  for (const one of acks) args.push(...ackArgs(line, one, keys))
  for (const one of rest) args.push(...restArgs(one))
  const home = context.home(line.channel)
  const [state, ...late] = await home.run<[string, ...number[]]>(settling, keys, args, 'settle')
  for (const { held } of batch) held.outcome = 'settled'
  const asked = late.length === 0 ? [] : [...plain, ...acks, ...rest]
  for (const n of late) (asked[n - 1] as Open).held.outcome = 'late'
  return state
}

function isPlain({ held, settlement }: Open, isByKey: boolean): boolean {
  if (settlement.kind !== 'ack' || settlement.remember !== undefined) return false
  return held.token.count === 1 && (held.key === null || !isByKey)
}

/** As the server sorts them. */
function byEntry({ held: one }: Open, { held: other }: Open): number {
  const [a, b] = [one.token.entry, other.token.entry]
  const [atA, atB] = [a.indexOf('-'), b.indexOf('-')]
  if (atA === atB && a.length === b.length) return a < b ? -1 : 1
  const [msA, msB] = [a.slice(0, atA), b.slice(0, atB)]
  if (msA !== msB) return atA - atB || (msA < msB ? -1 : 1)
  return a.length - b.length
}

const keyArg = (key: string | null) => (key === null ? '-' : `+${key}`)

function ackArgs(line: Line, { held, settlement }: Open, keys: string[]): string[] {
  const { token, key } = held
  const args = [token.entry, String(token.count), keyArg(key)]
  if (settlement.kind !== 'ack' || !settlement.remember) return [...args, '0', '0']
  const { id, keepMs } = settlement.remember
  keys.push(helperKey(line.channel, `seen:${line.group}:${id}`))
  return [...args, String(keys.length), String(Math.ceil(keepMs))]
}

function restArgs({ held, settlement }: Open): string[] {
  const { token, key, begun } = held
  const args = [token.entry, String(token.count), keyArg(key), settlement.kind]
  if (settlement.kind === 'dead') return [...args, '0', JSON.stringify(settlement.letter), '', '']
  // The next one that takes it, maybe this very reader, has not begun.
  begun?.end(held)
  const left = [begun?.field ?? '', begun?.text ?? '']
  return [...args, delayOf(settlement), notedText(held, settlement), ...left]
}

function notedText({ past }: HeldEntry, settlement: Settlement): string {
  if (settlement.kind !== 'retry') return ''
  const { failures, error } = settlement
  const firstFailedMs = past?.firstFailedMs ?? error.atMs
  const noted: Noted = { failures, past: { firstFailedMs, last: error } }
  return JSON.stringify(noted)
}

const delayOf = (settlement: Settlement) =>
  String('delayMs' in settlement ? Math.max(0, Math.ceil(settlement.delayMs)) : 0)
