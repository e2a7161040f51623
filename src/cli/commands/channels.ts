import type { ChannelRef } from '../../core/channel.ts'
import type { Depth, GroupInfo } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type Count, isLive } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'
import { type Connected, connectTo, existingChannel } from '../connection.ts'
import { askName, ifExists, isDryRun } from '../consent.ts'
import { contractJson, contractLines } from '../contracts/show.ts'
import { depthsOf, uncounted, unreadable } from '../depths.ts'
import { orderNote } from '../groups/order.ts'
import type { Invocation, Run } from '../invocation.ts'
import { countJson, countOf, showCount, showDuration } from '../output/quantities.ts'
import type { Column, Json } from '../output/table.ts'

interface ChannelRow {
  readonly channel: ChannelRef
  readonly depth: Depth
  readonly groups: readonly GroupInfo[]
}

const listMax = 1_000

/** `channels ls [PREFIX]` */
export const ls: Run = async (invocation) => {
  const { flags, output, args } = invocation
  const limit = flags.whole('limit', { min: 1 }) ?? listMax
  await using connected = await connectTo(invocation, { look: true })
  const refs = await listChannels(connected.bus, args[0] ?? '', limit)
  const depths = await depthsOf(connected.bus, refs, output.warn)
  const rows = await rowsOf(connected.bus, refs, depths)
  sortRows(rows, flags.text('sort') ?? 'name')
  await output.list({
    type: 'channels.ls',
    columns,
    rows,
    item: rowJson,
    ifEmpty: `no channels on ${connected.shownUrl}`,
  })
}

/** All channels whose names begin so, at most `max`. */
export async function listChannels(bus: Bus, prefix: string, max: number): Promise<ChannelRef[]> {
  const refs: ChannelRef[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Bus['admin']['channels']>> = await bus.admin.channels({
      prefix,
      cursor,
      limit: 200,
      newestFirst: false,
    })
    refs.push(...page.items)
    cursor = page.cursor
  } while (cursor !== null && refs.length < max)
  return refs.slice(0, max)
}

async function rowsOf(
  bus: Bus,
  refs: readonly ChannelRef[],
  depths: readonly (Depth | null)[],
): Promise<ChannelRow[]> {
  const rows: ChannelRow[] = []
  for (const [index, channel] of refs.entries()) {
    const depth = depths[index] ?? (isLive(channel.pattern) ? uncounted : null)
    if (!depth) continue // removed between the two looks
    const hasGroups = channel.pattern === 'stream' && depth !== unreadable
    rows.push({ channel, depth, groups: hasGroups ? await bus.admin.groups(channel) : [] })
  }
  return rows
}

/** Why a live channel has no counts, and where they are. */
export function keepsNothing({ name, pattern }: ChannelRef): string {
  return `${name} is a ${pattern}: it keeps nothing to count. Its workers count: narrowcast workers ls, narrowcast top`
}

function sortRows(rows: ChannelRow[], by: string): void {
  const number = (count: Count) => (count === 'unknown' ? -1 : count)
  const keys: Record<string, (depth: Depth) => Count> = {
    waiting: (depth) => depth.waiting,
    flight: (depth) => depth.inFlight,
    dead: (depth) => depth.dead,
    oldest: (depth) => depth.oldestMs,
  }
  const key = keys[by]
  if (key) rows.sort((a, b) => number(key(b.depth)) - number(key(a.depth)))
  else rows.sort((a, b) => (a.channel.name < b.channel.name ? -1 : 1))
}

const columns: readonly Column<ChannelRow>[] = [
  { name: 'channel', value: ({ channel }) => channel.name, widthMin: 20 },
  { name: 'pattern', value: ({ channel }) => channel.pattern, goes: 7 },
  count('waiting', (depth) => depth.waiting, 0),
  count('flight', (depth) => depth.inFlight, 3),
  {
    ...count('delayed', (depth) => depth.scheduled, 8),
    stays: ({ depth }) => depth.scheduled !== 0,
  },
  count('dead', (depth) => depth.dead, 1),
  count('in', (depth) => depth.in, 5),
  count('out', (depth) => depth.out, 6),
  {
    name: 'oldest_ms',
    head: 'OLDEST',
    align: 'right',
    value: ({ depth }) => oldestOf(depth),
    text: ({ depth }) => showDuration(oldestOf(depth)),
    goes: 2,
  },
  {
    name: 'state',
    value: ({ depth }) => (depth.paused ? 'paused' : 'open'),
    goes: 4,
  },
  {
    name: 'groups',
    align: 'right',
    value: ({ channel, groups }) => (channel.pattern === 'stream' ? groups.length : null),
    goes: 9,
  },
]

function count(name: string, of: (depth: Depth) => Count, goes: number): Column<ChannelRow> {
  return {
    name,
    align: 'right',
    value: ({ depth }) => countJson(of(depth)),
    text: ({ depth }) => showCount(of(depth)),
    goes,
  }
}

/** Nothing waits: nothing has an age. */
function oldestOf(depth: Depth): number | null {
  return depth.oldestMs === 'unknown' || depth.waiting === 0 ? null : depth.oldestMs
}

function rowJson({ channel, depth, groups }: ChannelRow): { readonly [name: string]: Json } {
  return {
    channel: channel.name,
    pattern: channel.pattern,
    ...depthJson(depth),
    groups: channel.pattern === 'stream' ? groups.length : null,
  }
}

/** All counts of a channel. */
export function depthJson(depth: Depth): { readonly [name: string]: Json } {
  return {
    waiting: countJson(depth.waiting),
    in_flight: countJson(depth.inFlight),
    scheduled: countJson(depth.scheduled),
    dead: countJson(depth.dead),
    stored: countJson(depth.stored),
    in: countJson(depth.in),
    out: countJson(depth.out),
    oldest_ms: oldestOf(depth),
    paused: depth.paused,
  }
}

/** `channels show CHANNEL` */
export const show: Run = async (invocation) => {
  await using connected = await connectTo(invocation, { look: true })
  const { bus, shownUrl } = connected
  const channel = await existingChannel(invocation, connected, nameOf(invocation))
  const [row] = await rowsOf(bus, [channel], await bus.admin.depths([channel]))
  if (!row) throw gone(channel.name)
  // It exists, so opening it changes nothing and gives what holds for this very channel.
  const contract = await bus[channel.pattern](channel.name).opened()
  const { depth, groups } = row
  await invocation.output.answer({
    type: 'channels.show',
    fields: {
      ...rowJson(row),
      order: depth.order,
      groups: groups.map(({ group, lag, order }) => ({ group, lag: countJson(lag), order })),
      contract: contractJson(contract),
    },
    lines: () => [
      `${channel.name}  ${channel.pattern}  ${shownUrl}${depth.paused ? '  paused' : ''}${orderNote(depth.order)}`,
      ...(isLive(channel.pattern) ? [keepsNothing(channel)] : countLines(depth)),
      ...groups.map(
        ({ group, lag, order }) => `group ${group}  lag ${showCount(lag)}${orderNote(order)}`,
      ),
      '',
      ...contractLines(contract, invocation.output.width),
    ],
  })
}

function countLines(depth: Depth): string[] {
  const { waiting, inFlight, scheduled, dead, stored } = depth
  return [
    `waiting ${showCount(waiting)}  in flight ${showCount(inFlight)}  delayed ${showCount(scheduled)}  dead ${showCount(dead)}  stored ${showCount(stored)}`,
    `in ${showCount(depth.in)}  out ${showCount(depth.out)}  oldest ${showDuration(oldestOf(depth))}`,
  ]
}

function gone(name: string): NarrowcastError {
  return new NarrowcastError('NOT_FOUND', `channel "${name}" was removed just now`, {
    channel: name,
    hint: 'narrowcast channels ls lists all',
  })
}

/** `channels rm CHANNEL` */
export const rm: Run = (invocation) =>
  onChannel(invocation, async ({ bus }, channel) => {
    const [depth] = await depthsOf(bus, [channel], invocation.output.warn)
    const held = depth ? totalOf(depth) : 0
    const what = manyOf(held, 'message')
    const would = `would remove ${channel.name} with ${what}`
    if (await isDryRun(invocation, would)) return
    if (held !== 0) {
      const question = `Remove ${channel.name} with ${what}, dead letters and groups?`
      await askName(invocation, question, channel.name)
    }
    await bus.admin.remove(channel)
    await invocation.output.answer({
      type: 'channels.rm',
      fields: { channel: channel.name, removed: true, messages: countJson(held) },
      lines: () => [`removed ${channel.name}`],
    })
  })

function manyOf(count: Count, thing: string): string {
  return typeof count === 'number' ? countOf(count, thing) : `${showCount(count)} ${thing}s`
}

/** Unknown counts as something: it must not pass for empty. */
function totalOf({ stored, dead }: Depth): Count {
  return stored === 'unknown' || dead === 'unknown' ? 'unknown' : stored + dead
}

/** `channels purge CHANNEL` */
export const purge: Run = (invocation) =>
  onChannel(invocation, async ({ bus }, channel) => {
    const [depth] = await bus.admin.depths([channel])
    const waiting = depth?.waiting ?? 0
    const what = `${manyOf(waiting, 'waiting message')} of ${channel.name}`
    if (await isDryRun(invocation, `would remove ${what}`)) return
    if (waiting !== 0) {
      await askName(invocation, `Remove ${what}?`, channel.name)
    }
    const removed = await bus.admin.purge(channel)
    await invocation.output.answer({
      type: 'channels.purge',
      fields: { channel: channel.name, removed },
      lines: () => [`purged ${channel.name}  ${countOf(removed, 'message')}`],
    })
  })

/** `channels pause CHANNEL` */
export const pause: Run = (invocation) => setPaused(invocation, true)
/** `channels resume CHANNEL` */
export const resume: Run = (invocation) => setPaused(invocation, false)

function setPaused(invocation: Invocation, paused: boolean): Promise<void> {
  return onChannel(invocation, async ({ bus }, channel) => {
    const verb = paused ? 'paused' : 'resumed'
    if (await isDryRun(invocation, `${channel.name} would be ${verb}`)) return
    await bus.admin.pause(channel, paused)
    await invocation.output.answer({
      type: `channels.${paused ? 'pause' : 'resume'}`,
      fields: { channel: channel.name, paused },
      lines: () => [`${verb} ${channel.name}`],
    })
    if (paused) invocation.output.next(`narrowcast channels resume ${channel.name}`)
  })
}

/** Does something to a channel that is there; with --if-exists, absence is fine. */
function onChannel(
  invocation: Invocation,
  work: (connected: Connected, channel: ChannelRef) => Promise<void>,
): Promise<void> {
  return ifExists(invocation, async () => {
    await using connected = await connectTo(invocation, { look: true })
    await work(connected, await existingChannel(invocation, connected, nameOf(invocation)))
  })
}

function nameOf({ args }: Invocation): string {
  return args[0] as string
}
