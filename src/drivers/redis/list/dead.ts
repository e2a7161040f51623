import type { DeadEntry, Page, PageQuery } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import { type DeadLetter, type PublishOutcome, redriven } from '../../../core/message.ts'
import { gone } from '../admin.ts'
import { isEntryId } from '../entryId.ts'
import { OwnWriter } from '../ownWriter.ts'
import { redisError } from '../redisErrors.ts'
import { readMessage, redrivenTag } from './element.ts'
import { channelScript, readyLua } from './lua.ts'
import type { Queue } from './queue.ts'
import { asWritten } from './value.ts'

/** Names an entry of a stream. */

type Entry = readonly [ref: Buffer, fields: readonly Buffer[]]

interface Dead {
  readonly own: DeadEntry
  readonly redrives: number
  readonly isTagged: boolean
}

export async function deadPage(
  queue: Queue,
  { cursor, limit, newestFirst }: PageQuery,
): Promise<Page<DeadEntry>> {
  const { layout, home } = queue
  if (cursor !== null && !isEntryId(cursor)) {
    const text = `page cursor ${JSON.stringify(cursor)} is not one that a page gave`
    throw redisError('INVALID_ARGUMENT', 'page', text, { channel: layout.channel })
  }
  const after = cursor === null ? null : `(${cursor}`
  const range = newestFirst ? ['XREVRANGE', after ?? '+', '-'] : ['XRANGE', after ?? '-', '+']
  const [command, ...bounds] = range as [string, string, string]
  const asked = [command, layout.dead, ...bounds, 'COUNT', String(limit + 1)]
  const found = await home.send<Entry[]>(asked, 'deadLetters', 'bytes')
  const items = found.slice(0, limit).map((entry) => readDead(layout.channel, entry).own)
  return { items, cursor: found.length > limit ? (items.at(-1)?.ref ?? null) : null }
}

export async function deadByRef(
  queue: Queue,
  refs: readonly string[],
): Promise<(DeadEntry | null)[]> {
  return (await findDead(queue, refs)).map((dead) => dead?.own ?? null)
}

export async function removeDead(
  { layout, home }: Queue,
  refs: readonly string[],
): Promise<number> {
  const ours = refs.filter((ref) => isEntryId(ref))
  if (ours.length === 0) return 0
  return await home.send<number>(['XDEL', layout.dead, ...ours], 'removeDead')
}

/**
 * Arguments: announce, and of each its ref, what is to be written, or '' and the tag of a message
 * that goes back as it came. Replies 1 for each that was there.
 */
const reviveScript = channelScript(
  readyLua,
  `
local function goesBack(fields, tag)
  for at = 1, #fields, 2 do
    if fields[at] == 'message' then
      local m = fresh(fields[at + 1], tag)
      m.since = whole(nowMs())
      return ready(m)
    end
  end
end
local revived, count, written = {}, 0, 0
for at = 2, #ARGV, 3 do
  local ref, element, tag = unpack(ARGV, at, at + 2)
  local entry = redis.call('XRANGE', dead, ref, ref)[1]
  if entry then
    if tag ~= '' then
      goesBack(entry[2], tag)
    else
      redis.call('LPUSH', orders, element)
      written = written + 1
    end
    redis.call('XDEL', dead, ref)
    count = count + 1
  end
  revived[#revived + 1] = entry and 1 or 0
end
if written > 0 then redis.call('HINCRBY', flags, 'redriven', written) end
if count > 0 then announce() end
return revived
`,
)

/**
 * Back into the queue, each letter gone in the same step. No window of publish-dedupe holds it up.
 * What came as the data alone stays that, and lies where no plain consumer takes it: beside it
 * stand its id and how often it was sent back.
 */
export async function revive(
  queue: Queue,
  channel: ChannelRef,
  refs: readonly string[],
): Promise<PublishOutcome[]> {
  const found = await findDead(queue, refs)
  const there = found.flatMap((dead) => dead ?? [])
  const args = there.flatMap(({ own: { ref, message }, redrives, isTagged }) =>
    isTagged
      ? [ref, '', redrivenTag(message.id, redrives + 1)]
      : [ref, new OwnWriter().writeKept(redriven(message, redrives)), ''],
  )
  const said =
    there.length === 0 ? [] : await queue.run<number[]>(reviveScript, 'redrive', '', args)
  const revived = new Set(there.filter((_, at) => said[at] === 1).map(({ own }) => own.ref))
  return refs.map((ref) =>
    revived.delete(ref) ? { state: 'stored', duplicate: false } : gone(channel, ref),
  )
}

async function findDead(queue: Queue, refs: readonly string[]): Promise<(Dead | null)[]> {
  const { layout, home } = queue
  return await Promise.all(
    refs.map(async (ref) => {
      if (!isEntryId(ref)) return null
      const range = ['XRANGE', layout.dead, ref, ref]
      const [entry] = await home.send<Entry[]>(range, 'deadLetters', 'bytes')
      return entry ? readDead(layout.channel, entry) : null
    }),
  )
}

function readDead(channel: string, [ref, fields]: Entry): Dead {
  const named = new Map<string, Buffer>()
  for (let at = 0; at + 1 < fields.length; at += 2) {
    named.set(String(fields[at]), fields[at + 1] as Buffer)
  }
  const element = named.get('message') ?? Buffer.alloc(0)
  const letter = JSON.parse(String(named.get('letter') ?? 'null')) as DeadLetter
  const { message, redrives, isTagged } = readMessage(
    channel,
    asWritten(element),
    String(named.get('id') ?? ''),
    letter.firstFailedMs ?? letter.diedMs,
  )
  return { own: { ref: String(ref), message, letter }, redrives, isTagged }
}
