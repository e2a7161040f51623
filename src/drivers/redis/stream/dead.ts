import type { DeadEntry, Page, PageQuery } from '../../../core/admin.ts'
import type { ChannelRef } from '../../../core/channel.ts'
import { type DeadLetter, type PublishOutcome, redriven } from '../../../core/message.ts'
import { gone } from '../admin.ts'
import type { Argument } from '../connection.ts'
import { isEntryId } from '../entryId.ts'
import { redisError } from '../redisErrors.ts'
import { Script } from '../script.ts'
import type { Context } from '../session.ts'
import { type Entry, fieldsOf, readEntry } from './entry.ts'
import { channelKeys, deadKey, isQueue } from './keys.ts'
import { storingLua } from './lua.ts'
import { publishWord } from './words.ts'

/** A page of the dead letters of a channel, or of one group. */
export async function deadPage(
  context: Context,
  { name }: ChannelRef,
  group: string | null,
  { cursor, limit, newestFirst }: PageQuery,
): Promise<Page<DeadEntry>> {
  if (cursor !== null && !isEntryId(cursor)) {
    const text = `page cursor ${JSON.stringify(cursor)} is not one that a page gave`
    throw redisError('INVALID_ARGUMENT', 'page', text, { channel: name })
  }
  const items: DeadEntry[] = []
  for (let after = cursor; ; ) {
    const bound = after === null ? null : `(${after}`
    const range = newestFirst ? ['XREVRANGE', bound ?? '+', '-'] : ['XRANGE', bound ?? '-', '+']
    const [command, ...bounds] = range as [string, string, string]
    const asked = [command, deadKey(name), ...bounds, 'COUNT', String(limit + 1)]
    const some = await context.home(name).send<Entry[]>(asked, 'deadLetters', 'bytes')
    for (const entry of some) {
      const { own, died } = deadOf(name, entry)
      if (group !== null && died !== group) continue
      if (items.length === limit) return { items, cursor: items.at(-1)?.ref ?? null }
      items.push(own)
    }
    if (some.length <= limit) return { items, cursor: null }
    after = some.at(-1)?.[0].toString('latin1') ?? null
  }
}

interface Dead {
  readonly own: DeadEntry
  /** The group. */
  readonly died: string
  readonly redrives: number
}

/** A dead letter is the entry as it was, its place and group, and why. */
function deadOf(channel: string, [ref, fields]: Entry): Dead {
  const rest: Buffer[] = []
  const dead: Record<string, string> = {}
  for (let at = 0; at < fields.length; at += 2) {
    const [field, value] = [fields[at] as Buffer, fields[at + 1] as Buffer]
    const name = field.toString()
    if (name.startsWith('dead-')) dead[name] = value.toString()
    else rest.push(field, value)
  }
  const position = Buffer.from(dead['dead-position'] ?? '0-0')
  const { message, redrives } = readEntry(channel, [position, rest])
  const letter = JSON.parse(dead['dead-letter'] ?? 'null') as DeadLetter
  const own = { ref: ref.toString('latin1'), message, letter }
  return { own, died: dead['dead-group'] ?? '', redrives }
}

export async function deadByRef(
  context: Context,
  channel: ChannelRef,
  refs: readonly string[],
): Promise<(DeadEntry | null)[]> {
  const found = await findDead(context, channel, refs)
  return found.map((dead) => dead?.own ?? null)
}

async function findDead(
  context: Context,
  { name }: ChannelRef,
  refs: readonly string[],
): Promise<(Dead | null)[]> {
  return await Promise.all(
    refs.map(async (ref) => {
      if (!isEntryId(ref)) return null
      const range = ['XRANGE', deadKey(name), ref, ref]
      const [entry] = await context.home(name).send<Entry[]>(range, 'deadLetters', 'bytes')
      return entry ? deadOf(name, entry) : null
    }),
  )
}

export async function removeDead(
  context: Context,
  { name }: ChannelRef,
  refs: readonly string[],
): Promise<number> {
  const ours = refs.filter((ref) => isEntryId(ref))
  if (ours.length === 0) return 0
  return await context.home(name).send<number>(['XDEL', deadKey(name), ...ours], 'removeDead')
}

/** Back into the stream, the letter gone in the same step. False: there is no such letter or group. */
const reviving = new Script(
  `${storingLua}
local dead, ref, group = KEYS[6], ARGV[2], ARGV[3]
if #redis.call('XRANGE', dead, ref, ref) == 0 then return false end
if group ~= '' then
  local found = redis.pcall('XPENDING', stream, group)
  if found.err then return false end
end
local id = redis.call('XADD', stream, '*', unpack(ARGV, 4))
redis.call('XDEL', dead, ref)
wake()
return id
`,
)

/** To where they died: a dead letter of a group is for that group alone. */
export async function revive(
  context: Context,
  channel: ChannelRef,
  refs: readonly string[],
): Promise<PublishOutcome[]> {
  const letters = await findDead(context, channel, refs)
  const outcomes: PublishOutcome[] = []
  for (const [at, letter] of letters.entries()) {
    const ref = refs[at] as string
    if (letter === null) outcomes.push(gone(channel, ref))
    else outcomes.push(await reviveOne(context, channel, ref, letter))
  }
  return outcomes
}

async function reviveOne(
  context: Context,
  channel: ChannelRef,
  ref: string,
  { own: { message, letter }, redrives }: Dead,
): Promise<PublishOutcome> {
  const { name } = channel
  const group = isQueue(channel) ? '' : (letter.group ?? '')
  const fields: Argument[] = fieldsOf(name, redriven(message, redrives))
  if (group !== '') fields.push('only-group', group)
  const keys = [...channelKeys(name), deadKey(name)]
  const args = [publishWord(context, name), ref, group, ...fields]
  const home = context.home(name)
  const position = await home.run<string | null>(reviving, keys, args, 'redrive')
  return position === null ? gone(channel, ref) : { state: 'stored', duplicate: false, position }
}
