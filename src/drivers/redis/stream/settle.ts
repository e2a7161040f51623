import type { Settlement, SettleOutcome } from '../../../core/message.ts'
import type { Argument } from '../connection.ts'
import { helperKey } from '../keys.ts'
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
 * names; the rest is late. Acks come first, then the others, one after the other.
 */
const settling = new Script(
  `${groupLua}
local dead = KEYS[13]
local isQueue, isMarked = ARGV[5] == '1', ARGV[6] == '1'
local acks, plain = tonumber(ARGV[7]), tonumber(ARGV[8])
local at = 9
local out = {}
local current = state()
local isByKey = order() ~= 'none'
local hasCounts = redis.call('EXISTS', counts) == 1
local isWaking = false
local own = {}
if current == 'ok' and plain > 1 then
  local list = redis.pcall('XPENDING', stream, group, ARGV[at], ARGV[at + 4 * plain - 4], plain, me)
  if not list.err then
    for _, one in ipairs(list) do own[one[1]] = one[4] end
  end
end
local function owns(id, count)
  if current ~= 'ok' then return false end
  if own[id] then return own[id] == count end
  local one = redis.pcall('XPENDING', stream, group, id, id, 1, me)
  return not one.err and one[1] ~= nil and one[1][4] == count
end
local function finish(ids)
  each(ids, function(...)
    redis.call('XACK', stream, group, ...)
    if isQueue then redis.call('XDEL', stream, ...) end
    if hasCounts then redis.call('HDEL', counts, ...) end
  end)
  if isMarked then
    for _, id in ipairs(ids) do redis.call('HDEL', self, 'begun:' .. id) end
  end
end
local function free(key, id)
  if isByKey and key ~= '-' and leave(string.sub(key, 2), pad(id)) then isWaking = true end
end
local done = {}
for n = 1, acks do
  local id, count, key, mark = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], tonumber(ARGV[at + 3])
  if owns(id, count) then
    own[id] = -1
    done[#done + 1] = id
    out[n] = 1
    free(key, id)
    if mark > 0 then
      redis.call('SET', KEYS[mark], 'done', 'PX', ARGV[at + 4])
    end
  else
    out[n] = 0
  end
  at = at + (mark > 0 and 5 or 4)
end
if #done > 0 then
  finish(done)
  redis.call('HINCRBY', flags, 'out:' .. group, #done)
end
while at <= #ARGV do
  local id, count, key, kind = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3]
  local delayMs, text = tonumber(ARGV[at + 4]), ARGV[at + 5]
  at = at + 6
  if not owns(id, count) then
    out[#out + 1] = 0
  elseif kind == 'dead' then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    local fields = entry and entry[2] or { 'data', 'null' }
    redis.call('XADD', dead, '*', 'dead-group', group, 'dead-letter', text, 'dead-position', id, unpack(fields))
    own[id] = -1
    finish({ id })
    free(key, id)
    out[#out + 1] = 1
  else
    own[id] = -1
    toNobody(id, count - 1)
    if isMarked then redis.call('HDEL', self, 'begun:' .. id) end
    if kind == 'retry' then redis.call('HSET', counts, id, text) end
    if delayMs > 0 then
      redis.call('ZADD', retry, now + delayMs, pad(id))
      if kind == 'retry' and order() == 'skip' then free(key, id) end
    else
      redis.call('ZADD', back, count - 1, pad(id))
    end
    isWaking = true
    out[#out + 1] = 1
  end
end
if isWaking then wake() end
return { current, unpack(out) }
`,
)

export interface Settler {
  readonly context: Context
  readonly line: Line
  readonly reader: string
  readonly opened: string
  readonly isQueue: boolean
  readonly isMarked: boolean
}

/** One settlement of what is in hand. */
export interface Open {
  readonly held: HeldEntry
  readonly settlement: Settlement
  readonly resolve: (outcome: SettleOutcome) => void
  readonly reject: (error: unknown) => void
}

/** Not more than the room for values on the stack of a script. */
export const settleMax = 1_000

/** The outcomes, and what the reader is to the server: `ok`, `expired` or `replaced`. */
export async function settle(
  settler: Settler,
  batch: readonly Open[],
): Promise<{ outcomes: Map<Open, SettleOutcome>; state: string }> {
  const { context, line, reader, opened, isQueue, isMarked } = settler
  const acks = batch.filter(({ settlement }) => settlement.kind === 'ack')
  const rest = batch.filter(({ settlement }) => settlement.kind !== 'ack')
  // The range of the acks is read in one go: those without a mark have a fixed place.
  const isRemembered = ({ settlement }: Open) =>
    settlement.kind === 'ack' && settlement.remember !== undefined
  const ordered = [...acks.filter((one) => !isRemembered(one)), ...acks.filter(isRemembered)]
  const keys = [...groupKeys(line.channel, line.group, reader), deadKey(line.channel)]
  const args: Argument[] = [publishWord(context, line.channel), line.group, reader, opened]
  const plain = ordered.length - acks.filter(isRemembered).length
  args.push(isQueue ? '1' : '0', isMarked ? '1' : '0', String(ordered.length), String(plain))
  for (const one of ordered) args.push(...ackArgs(line, one, keys))
  for (const one of rest) args.push(...restArgs(one))
  const home = context.home(line.channel)
  const [state, ...said] = await home.run<[string, ...number[]]>(settling, keys, args, 'settle')
  const outcomes = new Map<Open, SettleOutcome>()
  for (const [at, one] of [...ordered, ...rest].entries()) {
    outcomes.set(one, said[at] === 1 ? 'settled' : 'late')
  }
  return { outcomes, state }
}

const keyArg = (key: string | null) => (key === null ? '-' : `+${key}`)

function ackArgs(line: Line, { held, settlement }: Open, keys: string[]): string[] {
  const { token, key } = held
  const args = [token.entry, String(token.count), keyArg(key)]
  if (settlement.kind !== 'ack' || !settlement.remember) return [...args, '0']
  const { id, keepMs } = settlement.remember
  keys.push(helperKey(line.channel, `seen:${line.group}:${id}`))
  return [...args, String(keys.length), String(Math.ceil(keepMs))]
}

function restArgs({ held, settlement }: Open): string[] {
  const { token, key, past } = held
  const args = [token.entry, String(token.count), keyArg(key), settlement.kind]
  if (settlement.kind === 'dead') return [...args, '0', JSON.stringify(settlement.letter)]
  if (settlement.kind !== 'retry') return [...args, delayOf(settlement), '']
  const { failures, error } = settlement
  const firstFailedMs = past?.firstFailedMs ?? error.atMs
  const noted: Noted = { failures, past: { firstFailedMs, last: error } }
  return [...args, delayOf(settlement), JSON.stringify(noted)]
}

const delayOf = (settlement: Settlement) =>
  String('delayMs' in settlement ? Math.max(0, Math.ceil(settlement.delayMs)) : 0)
