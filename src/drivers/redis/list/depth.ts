import type { Depth } from '../../../core/admin.ts'
import type { Ordering } from '../../../core/channel.ts'
import { storedAtMs } from '../wire.ts'
import { channelScript } from './lua.ts'
import type { Queue } from './queue.ts'
import { readValue } from './value.ts'

const depthScript = channelScript(`
local now = nowMs()
local found = { now, redis.call('LLEN', orders), redis.call('LLEN', back), redis.call('ZCARD', suspects),
  redis.call('ZCARD', behind), redis.call('ZCARD', delayed), redis.call('ZCOUNT', delayed, '-inf', now),
  redis.call('XLEN', dead) }
local names = { 'popped', 'laned', 'again', 'out', 'returned', 'later', 'redriven', 'paused' }
for _, number in ipairs(redis.call('HMGET', flags, unpack(names))) do found[#found + 1] = tonumber(number or 0) end
found[#found + 1] = redis.call('HGET', flags, 'order') or 'none'
local first = redis.call('ZRANGE', turns, 0, 0)[1]
if first then
  local value = redis.call('ZRANGE', behind, '[' .. first, '+', 'BYLEX', 'LIMIT', 0, 1)[1]
  found[#found + 1] = string.sub(value, #first + 1)
end
local written = redis.call('LINDEX', orders, -1)
if written then found[#found + 1] = seal(fresh(written, '-')) end
for _, value in ipairs({ redis.call('LINDEX', back, -1),
  redis.call('ZRANGE', suspects, 0, 0)[1] or false,
  redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1)[1] or false }) do
  if value then found[#found + 1] = value end
end
return found
`)

interface Counts {
  readonly nowMs: number
  readonly orders: number
  readonly ready: number
  readonly behind: number
  readonly scheduled: number
  readonly due: number
  readonly dead: number
  readonly popped: number
  readonly inFlight: number
  readonly out: number
  readonly later: number
  readonly redriven: number
  readonly paused: boolean
  readonly order: Ordering
  /** Of each place where messages wait the one that comes next. */
  readonly next: readonly Buffer[]
}

async function countsOf(queue: Queue): Promise<Counts> {
  const reply = await queue.run<(number | Buffer)[]>(depthScript, 'depth', '', [], { as: 'bytes' })
  const [nowMs, orders, back, suspects, behind, scheduled, due, dead] = reply as number[]
  const [popped, laned, again, out, returned, later, redriven, paused] = reply.slice(8) as number[]
  const n = (value: number | undefined) => value ?? 0
  return {
    nowMs: n(nowMs),
    orders: n(orders),
    ready: n(back) + n(suspects),
    behind: n(behind),
    scheduled: n(scheduled),
    due: n(due),
    dead: n(dead),
    popped: n(popped),
    inFlight: n(popped) - n(laned) + n(again) - n(out) - n(returned),
    out: n(out),
    later: n(later),
    redriven: n(redriven),
    paused: paused === 1,
    order: String(reply[16]) as Ordering,
    next: reply.slice(17) as Buffer[],
  }
}

/** How long the oldest has waited; null where a message of another program does not say, and never failed. */
function oldestMs({ nowMs, next }: Counts): number | null {
  let oldest = 0
  let isKnown = next.length === 0
  for (const raw of next) {
    const { sinceMs, element, past } = readValue(raw)
    const since = sinceMs > 0 ? sinceMs : (storedAtMs(element) ?? past?.firstFailedMs ?? null)
    if (since === null) continue
    isKnown = true
    oldest = Math.max(oldest, nowMs - since)
  }
  return isKnown ? oldest : null
}

/** Exact where nothing is overdue, and the same work however many there are. */
export async function depthOf(queue: Queue): Promise<Depth> {
  const counts = await countsOf(queue)
  const waiting = counts.orders + counts.ready + counts.behind + counts.due
  const scheduled = counts.scheduled - counts.due
  return {
    waiting,
    scheduled,
    inFlight: counts.inFlight,
    dead: counts.dead,
    stored: waiting + scheduled + counts.inFlight,
    in: counts.popped + counts.orders + counts.later - counts.redriven,
    out: counts.out,
    oldestMs: oldestMs(counts) ?? 'unknown',
    paused: counts.paused,
    order: counts.order,
  }
}

/** What the next taker could be given now. */
export async function deliverableOf(queue: Queue): Promise<{ messages: number; oldestMs: number }> {
  const counts = await countsOf(queue)
  const messages = counts.paused ? 0 : counts.orders + counts.ready + counts.due
  return { messages, oldestMs: messages === 0 ? 0 : (oldestMs(counts) ?? 0) }
}
