import type { Page, PageQuery, Stored } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import type { Place } from '../../../core/message.ts'
import { isEntryId } from '../entryId.ts'
import { helperKey } from '../keys.ts'
import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { groupNames, serverMs } from './depth.ts'
import { type Entry, readEntry } from './entry.ts'
import { channelKeys, isQueue, nobody, readerKey } from './keys.ts'
import { lineOf } from './line.ts'
import { channelLua } from './lua.ts'
import { readNoted } from './noted.ts'
import { beginningOf, scan } from './places.ts'
import { reclaimAll } from './reclaim.ts'
import { publishWord } from './words.ts'

/** A page of what is delayed, in the order in which it is due, or against it. */
const listingDelayed = new Script(
  `${channelLua}
local out = {}
for _, number in ipairs(redis.call(ARGV[2], delayed, ARGV[3], ARGV[4])) do
  local dueMs = tonumber(redis.call('ZSCORE', delayed, number))
  local fields = cmsgpack.unpack(redis.call('HGET', delayedMessages, number))
  out[#out + 1] = { number, dueMs > now and 1 or 0, fields }
end
return out
`,
)

interface Delayed {
  readonly number: string
  readonly stored: Stored
}

async function delayedOf(
  context: Context,
  channel: string,
  from: number,
  count: number,
  newestFirst: boolean,
): Promise<Delayed[]> {
  const command = newestFirst ? 'ZREVRANGE' : 'ZRANGE'
  const args = [publishWord(context, channel), command, String(from), String(from + count - 1)]
  const reply = await context
    .home(channel)
    .run<[Buffer, number, Buffer[]][]>(listingDelayed, channelKeys(channel), args, 'peek', 'bytes')
  return reply.map(([number, later, fields]) => {
    const { message, redrives } = readEntry(channel, [Buffer.from('0-0'), fields])
    const state = later === 1 ? 'scheduled' : 'waiting'
    return {
      number: number.toString(),
      stored: { message, state, failures: 0, crashes: 0, redrives },
    }
  })
}

/** The number of a delayed message, and the message. */
export async function findDelayed(
  context: Context,
  channel: string,
  id: string,
): Promise<Delayed | null> {
  for (let from = 0; ; from += 100) {
    const some = await delayedOf(context, channel, from, 100, false)
    const found = some.find(({ stored }) => stored.message.id === id)
    if (found || some.length < 100) return found ?? null
  }
}

/** By its own id, or that of its entry. */
export async function findEntry(
  context: Context,
  channel: string,
  id: string,
): Promise<Entry | null> {
  if (isEntryId(id)) {
    const range = ['XRANGE', channel, id, id]
    const [entry] = await context.home(channel).send<Entry[]>(range, 'message', 'bytes')
    if (entry && readEntry(channel, entry).message.id === id) return entry
  }
  return (await scan(context, channel, ({ message }) => message.id === id))?.entry ?? null
}

export async function messageOf(
  context: Context,
  channel: ChannelRef,
  id: string,
): Promise<Stored | null> {
  const { name } = channel
  const entry = await findEntry(context, name, id)
  if (entry) return (await shown(context, channel, [entry]))[0] ?? null
  return (await findDelayed(context, name, id))?.stored ?? null
}

/**
 * A page of what is stored: the stream, then what is delayed. A cursor is the id of the last entry,
 * or `+` and how many delayed ones were shown.
 */
export async function peek(
  context: Context,
  channel: ChannelRef,
  { cursor, limit, newestFirst, from }: PageQuery & { from: Place },
): Promise<Page<Stored>> {
  const { name } = channel
  const after = checkCursor(name, cursor)
  const { id: first } = await beginningOf(context, name, from)
  const items: Stored[] = []
  const add = (some: readonly Stored[]) => items.push(...some)
  const parts = newestFirst ? (['delayed', 'stream'] as const) : (['stream', 'delayed'] as const)
  let next: string | null = null
  for (const part of parts) {
    const left = limit + 1 - items.length
    if (left <= 0) break
    if (part === 'stream') {
      if (after.delayed > 0 && !newestFirst) continue
      const entries = await entriesOf(context, name, first, after.entry, left, newestFirst)
      add(await shown(context, channel, entries))
    } else {
      if (after.entry !== null && newestFirst) continue
      const some = await delayedOf(context, name, after.delayed, left, newestFirst)
      add(some.map(({ stored }) => stored))
    }
  }
  if (items.length > limit) next = cursorAfter(items.slice(0, limit), after.delayed)
  return { items: items.slice(0, limit), cursor: next }
}

function cursorAfter(items: readonly Stored[], before: number): string {
  const last = items.at(-1)
  if (last?.position !== undefined) return last.position
  return `+${before + items.filter(({ position }) => position === undefined).length}`
}

async function entriesOf(
  context: Context,
  channel: string,
  first: string,
  after: string | null,
  count: number,
  newestFirst: boolean,
): Promise<Entry[]> {
  const [from, to] = [`(${newestFirst ? first : (after ?? first)}`, after ? `(${after}` : '+']
  const range = newestFirst
    ? ['XREVRANGE', channel, to, first === '0-0' ? '-' : from]
    : ['XRANGE', channel, from === '(0-0' ? '-' : from, '+']
  return await context
    .home(channel)
    .send<Entry[]>([...range, 'COUNT', String(count)], 'peek', 'bytes')
}

/** @throws INVALID_ARGUMENT for a cursor that is not one of ours. */
function checkCursor(channel: string, cursor: string | null) {
  if (cursor === null) return { entry: null, delayed: 0 }
  if (isEntryId(cursor)) return { entry: cursor, delayed: 0 }
  if (/^\+\d{1,15}$/.test(cursor)) return { entry: null, delayed: Number(cursor.slice(1)) }
  const text = `page cursor ${JSON.stringify(cursor)} is not one that a page gave`
  throw redisError('INVALID_ARGUMENT', 'page', text, { channel })
}

interface Standing {
  readonly state: Stored['state']
  readonly worker: string | null
  readonly failures: number
  readonly crashes: number
}

/** Entries as they stand: the farthest that any group has come with each. */
async function shown(
  context: Context,
  channel: ChannelRef,
  entries: readonly Entry[],
): Promise<Stored[]> {
  if (entries.length === 0) return []
  const ids = entries.map(([id]) => id.toString('latin1'))
  const { name } = channel
  const groups = await groupNames(context, name)
  const standings = await Promise.all(groups.map((group) => standingsOf(context, name, group, ids)))
  return entries.map((entry, at): Stored => {
    const position = ids[at] as string
    const found = standings.flatMap((one) => one.get(position) ?? [])
    const { message, redrives, onlyGroup } = readEntry(name, entry)
    const group = isQueue(channel) ? null : onlyGroup
    const worker = found.find((one) => one.state === 'in-flight')?.worker ?? null
    const has = (state: Stored['state']) => found.some((one) => one.state === state)
    return {
      message,
      state: has('in-flight') ? 'in-flight' : has('scheduled') ? 'scheduled' : 'waiting',
      position,
      ...(worker === null ? {} : { worker }),
      failures: Math.max(0, ...found.map(({ failures }) => failures)),
      crashes: Math.max(0, ...found.map(({ crashes }) => crashes)),
      redrives,
      ...(group === null ? {} : { group }),
    }
  })
}

type PendingRow = [id: string, consumer: string, idleMs: number, count: number]

/** Of one group, by entry: all that is pending among these, of nobody whose lease is over. */
async function standingsOf(
  context: Context,
  channel: string,
  group: string,
  ids: readonly string[],
): Promise<Map<string, Standing>> {
  await reclaimAll(lineOf(context, channel, group))
  const nowMs = await serverMs(context, channel)
  const home = context.home(channel)
  const sorted = ids.toSorted(byId)
  const range = ['XPENDING', channel, group, sorted[0] as string, sorted.at(-1) as string]
  const rows = await home.send<PendingRow[]>([...range, String(10 * ids.length)], 'peek')
  const wanted = new Set(ids)
  const found = await Promise.all(
    rows
      .filter(([id]) => wanted.has(id))
      .map(async ([id, consumer, , count]): Promise<[string, Standing]> => {
        const isNobodys = consumer === nobody
        const [noted, worker, due] = await Promise.all([
          home.send<string | null>(['HGET', helperKey(channel, `counts:${group}`), id], 'peek'),
          isNobodys
            ? null
            : home.send<string | null>(
                ['HGET', readerKey(channel, group, consumer), 'worker'],
                'peek',
              ),
          isNobodys
            ? home.send<number | null>(
                ['ZSCORE', helperKey(channel, `retry:${group}`), padded(id)],
                'peek',
              )
            : null,
        ])
        const waits = (due ?? 0) <= nowMs ? 'waiting' : 'scheduled'
        return [
          id,
          {
            state: isNobodys ? waits : 'in-flight',
            worker: isNobodys ? null : (worker ?? consumer),
            failures: readNoted(noted)?.failures ?? 0,
            crashes: isNobodys ? count : Math.max(0, count - 1),
          },
        ]
      }),
  )
  return new Map(found)
}

/** As the helpers keep it: in text order. */
function padded(id: string): string {
  const [ms, seq] = id.split('-') as [string, string]
  return `${ms.padStart(20, '0')}-${seq.padStart(20, '0')}`
}

const byId = (one: string, other: string) => (padded(one) < padded(other) ? -1 : 1)
