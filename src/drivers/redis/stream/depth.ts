import type { Depth, GroupInfo } from '../../../core/admin.ts'
import type { ChannelRef, Ordering } from '../../../core/channel.ts'
import { helperKey } from '../keys.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { deadKey, flagsKey, isQueue, queueGroup } from './keys.ts'
import { countMax, lagLua } from './lagLua.ts'
import { lineOf } from './line.ts'
import { groupLua } from './lua.ts'
import { type StreamInfo, streamInfo } from './places.ts'

/** What one group has, and where it stands. Nothing is changed. */
const counting = new Script(
  `${groupLua}${lagLua}
local pending = redis.pcall('XPENDING', stream, group)
if pending.err then return {} end
local last, lag = '0-0', false
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  if info[2] == group then last, lag = info[8], info[12] end
end
local fresh = redis.call('XRANGE', stream, '(' .. last, '+', 'COUNT', 1)[1]
if not fresh then
  lag = 0
elseif ARGV[5] == '1' then
  lag = redis.call('XLEN', stream) - pending[1]
elseif not lag or not isCounted() then
  lag = untaken(last)
  if lag > ${countMax} then lag = -1 end
end
local inHand, overdue, overdueId = 0, 0, ''
for _, one in ipairs(pending[4] or {}) do
  local consumer, count = one[1], tonumber(one[2])
  if consumer ~= nobody then
    local untilMs = tonumber(redis.call('ZSCORE', readers, consumer) or 'inf')
    if untilMs <= now then
      overdue = overdue + count
      overdueId = redis.call('XPENDING', stream, group, '-', '+', 1, consumer)[1][1]
    else
      inHand = inHand + count
    end
  end
end
local waitingId = ''
for _, one in ipairs(redis.call('XPENDING', stream, group, '-', '+', 100, nobody)) do
  local dueMs = tonumber(redis.call('ZSCORE', retry, pad(one[1])) or 0)
  if waitingId == '' and dueMs <= now then waitingId = one[1] end
end
local idleMs = 0
for _, range in ipairs({ { back, '-inf' }, { back, '(0' } }) do
  local id = redis.call('ZRANGEBYSCORE', range[1], range[2], '+inf', 'LIMIT', 0, 1)[1]
  local one = id and redis.call('XPENDING', stream, group, id, id, 1)[1]
  if one then idleMs = math.max(idleMs, one[3]) end
end
local settled = last
if pending[1] > 0 then
  local before = redis.call('XREVRANGE', stream, '(' .. pending[2], '-', 'COUNT', 1)[1]
  settled = before and before[1] or '0-0'
end
local due = redis.call('ZCOUNT', retry, '-inf', now)
return {
  lag, pending[1], inHand, overdue,
  redis.call('ZCARD', back), due, redis.call('ZCARD', retry) - due,
  redis.call('ZCOUNT', readers, '(' .. string.format('%.0f', now), '+inf'),
  order(), settled, fresh and fresh[1] or '', waitingId, overdueId, idleMs,
  string.format('%.0f', now),
}
`,
)

interface GroupCounts {
  /** Never handed out; null: nobody has counted. */
  readonly fresh: number | null
  readonly pending: number
  readonly inHand: number
  readonly overdue: number
  readonly back: number
  readonly due: number
  readonly later: number
  readonly readers: number
  readonly order: Ordering
  readonly settled: string
  /** When the oldest was stored: of what is new, of what waits again, of what the dead hold. */
  readonly freshMs: number
  readonly waitingMs: number
  readonly overdueMs: number
  /** For so long the first of what is ready again is so. */
  readonly idleMs: number
  readonly nowMs: number
}

type Reply = (number | string)[]

/** Null where there is no such group. */
async function countsOf(
  context: Context,
  { name, pattern }: ChannelRef,
  group: string,
): Promise<GroupCounts | null> {
  const line = lineOf(context, name, group)
  const reply = await line.run<Reply>(counting, '', '', [pattern === 'queue' ? '1' : '0'])
  if (reply.length === 0) return null
  const number = (at: number) => Number(reply[at])
  const text = (at: number) => String(reply[at])
  const storedMs = (at: number) =>
    text(at) === '' ? Number.POSITIVE_INFINITY : Number.parseInt(text(at), 10)
  return {
    fresh: number(0) < 0 ? null : number(0),
    ...{ pending: number(1), inHand: number(2), overdue: number(3), back: number(4) },
    ...{ due: number(5), later: number(6), readers: number(7) },
    order: text(8) as Ordering,
    settled: text(9),
    ...{ freshMs: storedMs(10), waitingMs: storedMs(11), overdueMs: storedMs(12) },
    ...{ idleMs: number(13), nowMs: number(14) },
  }
}

export async function groupNames(context: Context, channel: string): Promise<string[]> {
  const home = context.home(channel)
  if ((await home.send<number>(['EXISTS', channel], 'groups')) === 0) return []
  const groups = await home.send<{ name: string }[]>(['XINFO', 'GROUPS', channel], 'groups')
  return groups.map(({ name }) => name).sort()
}

interface Whole {
  readonly flags: ReadonlyMap<string, string>
  readonly info: StreamInfo | null
  readonly dead: number
  /** Delayed and not yet due; due, and not moved yet. */
  readonly later: number
  readonly due: number
  /** For so long the first of what is due is so; 0 where nothing is. */
  readonly dueMs: number
  readonly nowMs: number
}

/** By the clock of the server: due times are. */
export async function serverMs(context: Context, channel: string): Promise<number> {
  const home = context.home(channel)
  const [seconds, micros] = await home.send<[string, string]>(['TIME'], 'look')
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}

async function wholeOf(context: Context, channel: string): Promise<Whole> {
  const home = context.home(channel)
  const delayed = helperKey(channel, 'delayed')
  const nowMs = await serverMs(context, channel)
  const [flags, info, dead, all, due, first] = await Promise.all([
    home.send<Record<string, string>>(['HGETALL', flagsKey(channel)], 'depth'),
    streamInfo(context, channel),
    home.send<number>(['XLEN', deadKey(channel)], 'depth'),
    home.send<number>(['ZCARD', delayed], 'depth'),
    home.send<number>(['ZCOUNT', delayed, '-inf', String(nowMs)], 'depth'),
    home.send<[string, number][]>(['ZRANGE', delayed, '0', '0', 'WITHSCORES'], 'depth'),
  ])
  const dueMs = ageMs(nowMs, first[0]?.[1] ?? nowMs)
  return { flags: new Map(Object.entries(flags)), info, dead, later: all - due, due, dueMs, nowMs }
}

const ageMs = (nowMs: number, ...since: number[]) => Math.max(0, nowMs - Math.min(...since))

export async function depthOf(context: Context, channel: ChannelRef): Promise<Depth> {
  const { name } = channel
  const [names, whole] = await Promise.all([groupNames(context, name), wholeOf(context, name)])
  const all = await Promise.all(names.map((group) => countsOf(context, channel, group)))
  const groups = all.filter((one) => one !== null)
  const { flags, info, dead, later, due, dueMs, nowMs } = whole
  const sum = (of: (counts: GroupCounts) => number) =>
    groups.reduce((total, one) => total + of(one), 0)
  // A queue that nobody has read yet has no group.
  const unread = isQueue(channel) && groups.length === 0 ? (info?.length ?? 0) : 0
  const unreadMs = unread > 0 ? ageMs(nowMs, Number.parseInt(info?.firstId ?? '', 10)) : 0
  const isCounted = groups.every(({ fresh }) => fresh !== null)
  const waiting = sum((one) => (one.fresh ?? 0) + waitingAgain(one)) + unread + due
  const outs = [...flags].filter(([field]) => field.startsWith('out:'))
  return {
    waiting: isCounted ? waiting : 'unknown',
    inFlight: sum(({ inHand }) => inHand),
    scheduled: sum((one) => one.later) + later,
    dead,
    stored: (info?.length ?? 0) + later + due,
    in: (info?.entriesAdded ?? 0) + later + due + Number(flags.get('undue') ?? 0),
    out: outs.reduce((total, [, count]) => total + Number(count), 0),
    oldestMs: Math.max(unreadMs, dueMs, ...groups.map((one) => oldestMs(one))),
    paused: flags.has('paused'),
    order: isQueue(channel) ? ((flags.get(`order:${queueGroup}`) ?? 'none') as Ordering) : null,
  }
}

/** Of what was handed out before. */
const waitingAgain = ({ pending, inHand, later }: GroupCounts) => pending - inHand - later

const oldestMs = ({ nowMs, freshMs, waitingMs, overdueMs }: GroupCounts) =>
  ageMs(nowMs, freshMs, waitingMs, overdueMs)

export async function groupsOf(context: Context, channel: ChannelRef): Promise<GroupInfo[]> {
  const { name } = channel
  if (isQueue(channel)) return []
  const [names, { later, due, dueMs }] = await Promise.all([
    groupNames(context, name),
    wholeOf(context, name),
  ])
  const all = await Promise.all(
    names.map(async (group): Promise<GroupInfo[]> => {
      const counts = await countsOf(context, channel, group)
      if (counts === null) return []
      const { fresh, pending, inHand, readers, settled, order } = counts
      return [
        {
          group,
          lag: fresh === null ? 'unknown' : fresh + pending + later + due,
          inFlight: inHand,
          oldestMs: Math.max(dueMs, oldestMs(counts)),
          readers,
          position: settled,
          order,
        },
      ]
    }),
  )
  return all.flat()
}

/** What a reader of this group could be handed now. */
export async function deliverableOf(
  context: Context,
  channel: ChannelRef,
  group: string,
): Promise<{ messages: number; oldestMs: number }> {
  const nothing = { messages: 0, oldestMs: 0 }
  const [counts, { flags, due: delayed }] = await Promise.all([
    countsOf(context, channel, group),
    wholeOf(context, channel.name),
  ])
  if (counts === null || flags.has('paused')) return nothing
  const { fresh, back, due, overdue, nowMs, freshMs, overdueMs, idleMs } = counts
  const messages = (fresh ?? countMax) + back + due + overdue + delayed
  if (messages === 0) return nothing
  return { messages, oldestMs: Math.max(idleMs, ageMs(nowMs, freshMs, overdueMs)) }
}
