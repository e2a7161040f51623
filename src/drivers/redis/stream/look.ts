import type { Ordering } from '../../../core/channel.ts'
import { Script } from '../script.ts'
import type { Line } from './line.ts'
import { groupLua } from './lua.ts'

/**
 * Before each take: the reader lives, and what there is to do first. `idle`: if nothing comes of
 * it, this reader waits, and whoever brings something announces it.
 */
export const lookLua = `${groupLua}
local current = state()
if current ~= 'ok' then return { current } end
redis.call('ZADD', readers, leaseEnd(tonumber(ARGV[5])), me)
if ARGV[6] == '1' then redis.call('SET', idle, 1) end
local function first(set)
  return tonumber(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2] or 'inf')
end
local said = redis.call('HMGET', flags, 'paused', 'order:' .. group)
local expired = redis.call('ZRANGEBYSCORE', readers, '-inf', now, 'LIMIT', 0, 1)[1]
local dueMs = first(retry)
local delayedMs = first(delayed)
local function untilMs(at)
  return at == math.huge and -1 or math.max(0, at - now)
end
local seen = {
  current, said[1] and 1 or 0, said[2] or 'none', redis.call('ZCARD', back),
  untilMs(dueMs), untilMs(delayedMs), expired or '',
}
`

const looking = new Script(`${lookLua}return seen`)

export interface Look {
  /** expired: nothing of what it held is its any more. replaced: another source speaks for it. */
  readonly state: 'ok' | 'expired' | 'replaced'
  readonly isPaused: boolean
  readonly order: Ordering
  /** Given back, or waiting for its time, and ready by now. */
  readonly hasBack: boolean
  readonly hasDelayed: boolean
  /** Until the next becomes due. */
  readonly dueInMs: number
  /** A reader whose lease has ended. */
  readonly expired: string | null
  readonly ownedUntilMs: number
}

type Text = string | Buffer
export type LookReply = [Text, number, Text, number, number, number, Text]

export interface LookWish {
  readonly reader: string
  readonly opened: string
  readonly leaseMs: number
  /** It is going to wait. */
  readonly isIdle: boolean
}

export const lookArgs = ({ leaseMs, isIdle }: LookWish): string[] => [
  String(leaseMs),
  isIdle ? '1' : '0',
]

/** @throws what the server says */
export async function look(line: Line, wish: LookWish): Promise<Look> {
  const askedMs = performance.now()
  const { reader, opened, leaseMs } = wish
  const reply = await line.run<LookReply>(looking, reader, opened, lookArgs(wish))
  return readLook(reply, askedMs + leaseMs)
}

export function readLook(reply: LookReply, ownedUntilMs: number): Look {
  const [state, paused = 0, order = 'none', back = 0, retryMs = -1, delayedMs = -1, expired = ''] =
    reply
  const dues = [retryMs, delayedMs].filter((ms) => ms > 0)
  return {
    state: String(state) as Look['state'],
    order: String(order) as Ordering,
    isPaused: paused === 1,
    hasBack: back > 0 || retryMs === 0,
    hasDelayed: delayedMs === 0,
    dueInMs: Math.min(...dues, Number.POSITIVE_INFINITY),
    expired: expired.length === 0 ? null : String(expired),
    ownedUntilMs,
  }
}
