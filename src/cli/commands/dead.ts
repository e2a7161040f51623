import { type ChannelRef, checkName } from '../../core/channel.ts'
import type { ChannelInfo, DeadEntry, Depth, Page } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import { type Connected, connectTo, existingChannel } from '../connection.ts'
import { askName, isDryRun } from '../consent.ts'
import { type Cause, Causes } from '../dead/causes.ts'
import {
  changeFilter,
  type DeadChoice,
  deadChoice,
  findDead,
  fittingDead,
  newestDead,
} from '../dead/choose.ts'
import { deadLines } from '../dead/lines.ts'
import { depthsOf, unreadable } from '../depths.ts'
import { existingGroup } from '../groups/find.ts'
import type { Invocation, Run } from '../invocation.ts'
import { deadJson, preview, shortId, shownId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import { countOf, isoTime, showCount, showTime } from '../output/quantities.ts'
import type { Column } from '../output/table.ts'

const lookMax = 10_000
/** One line each: these are kept until they are printed. */
const listMax = 1_000
/** Of a body so much is kept where only its beginning is shown. */
const keptBytes = 2_000

/** `dead ls [CHANNEL]`: by cause; `--list`, `-o wide`, csv, md and ndjson one line each. */
export const ls: Run = async (invocation) => {
  const { flags, output, args } = invocation
  if (args[0] !== undefined) checkName('channel', args[0])
  const choice = await deadChoice(invocation)
  const isOneByOne =
    ['wide', 'csv', 'md', 'ndjson'].includes(output.format) ||
    (flags.isSet('list') && !output.isJson)
  const max = flags.whole('limit', { min: 1 }) ?? (isOneByOne ? listMax : lookMax)
  await using connected = await connectTo(invocation, { look: true })
  const { bus } = connected
  const isAll = args[0] === undefined
  const channels = isAll
    ? await channelsWithDead(bus, choice, output.warn)
    : [await channelOf(invocation, connected, choice)]
  const ifEmpty = `no dead letters in ${isAll ? connected.shownUrl : channels[0]?.name}`
  const look = { ...choice, bus, channels, isAll, max, ifEmpty }
  const isWhole = isOneByOne ? await listEach(invocation, look) : await listCauses(invocation, look)
  const of = isAll ? ' of each channel' : ''
  if (!isWhole) output.note(`looked at the newest ${showCount(max)}${of}; --limit looks at more`)
}

interface Look extends DeadChoice {
  readonly bus: Bus
  readonly channels: readonly ChannelRef[]
  readonly isAll: boolean
  /** Of each channel. */
  readonly max: number
  readonly ifEmpty: string
}

/** Shows each that fits, the newest first. @returns false where there are more than `max`. */
async function eachDead(
  look: Look,
  show: (entry: DeadEntry) => void | Promise<void>,
): Promise<boolean> {
  let isWhole = true
  for (const channel of look.channels) {
    let count = 0
    for await (const entry of fittingDead(look, look.bus, channel)) {
      if (count++ === look.max) {
        isWhole = false
        break
      }
      await show(entry)
    }
  }
  return isWhole
}

async function listEach({ output, clock }: Invocation, look: Look): Promise<boolean> {
  const columns = entryColumns(clock.wallMs(), output.utc).filter(
    ({ name }) => look.isAll || name !== 'channel',
  )
  if (output.format !== 'wide' && output.format !== 'text') {
    const stream = output.stream<DeadEntry>('dead.ls', columns, ({ ref }) => ref, deadJson)
    return eachDead(look, (entry) => stream.write(entry))
  }
  const rows: DeadEntry[] = []
  const isWhole = await eachDead(look, (entry) => void rows.push(beginningOf(entry)))
  await output.list({ type: 'dead.ls', columns, rows, item: deadJson, ifEmpty: look.ifEmpty })
  return isWhole
}

/** Without the rest of its body: a thousand of them may be large. */
function beginningOf(entry: DeadEntry): DeadEntry {
  const body = Buffer.from(entry.message.body as string).subarray(0, keptBytes)
  return { ...entry, message: { ...entry.message, body: new Uint8Array(body) } }
}

async function listCauses({ output, clock, flags }: Invocation, look: Look): Promise<boolean> {
  const { channels, isAll, ifEmpty } = look
  const causes = new Causes()
  const letters: DeadEntry[] = []
  const isListed = flags.isSet('list')
  const isWhole = await eachDead(look, (entry) => {
    causes.add(entry)
    if (isListed && letters.length < listMax) letters.push(entry)
  })
  const hasGroups = channels.some(({ pattern }) => pattern === 'stream')
  await output.list({
    type: 'dead.ls',
    columns: causeColumns(clock.wallMs(), output.utc).filter(
      ({ name }) => (name !== 'group' || hasGroups) && (name !== 'channel' || isAll),
    ),
    rows: causes.list,
    item: causeJson,
    fields: {
      ...{ channel: isAll ? null : (channels[0]?.name ?? null) },
      ...{ total: causes.count, exact: isWhole },
      ...(isListed ? { letters: letters.map(deadJson) } : {}),
    },
    ifEmpty,
  })
  const [first] = causes.list
  if (first) output.next(`narrowcast dead redrive ${first.channel} --dry-run`)
  return isWhole
}

function causeColumns(nowMs: number, utc: boolean): readonly Column<Cause>[] {
  return [
    { name: 'channel', value: ({ channel }) => channel, widthMin: 8 },
    { name: 'count', value: ({ count }) => count, text: ({ count }) => showCount(count) },
    { name: 'cause', value: ({ cause }) => cause, goes: 3 },
    {
      name: 'reason',
      value: ({ reason }) => reason,
      text: ({ reason }) => harmless(reason),
      widthMin: 20,
    },
    { name: 'group', value: ({ group }) => group, goes: 2 },
    { name: 'redrives', value: ({ redrives }) => redrives, goes: 5 },
    {
      name: 'first',
      value: ({ firstMs }) => isoTime(firstMs),
      text: ({ firstMs }) => showTime(firstMs, nowMs, utc).replace(/\.\d+$/, ''),
      goes: 6,
    },
    {
      name: 'last',
      value: ({ lastMs }) => isoTime(lastMs),
      text: ({ lastMs }) => showTime(lastMs, nowMs, utc).replace(/\.\d+$/, ''),
      goes: 1,
    },
    {
      name: 'example',
      value: ({ example }) => example,
      text: ({ example }) => shortId(example),
      goes: 4,
    },
  ]
}

const causeJson = (one: Cause) => ({
  ...{ channel: one.channel, count: one.count, cause: one.cause, reason: one.reason },
  ...{ group: one.group, redrives: one.redrives },
  ...{ first: isoTime(one.firstMs), last: isoTime(one.lastMs), example: one.example },
})

function entryColumns(nowMs: number, utc: boolean): readonly Column<DeadEntry>[] {
  return [
    { name: 'channel', value: ({ letter }) => letter.channel, widthMin: 8 },
    {
      name: 'id',
      value: ({ message }) => message.id,
      text: ({ message }) => shortId(message.id),
      wide: ({ message }) => shownId(message.id),
    },
    { name: 'key', value: ({ message }) => message.key, goes: 7 },
    { name: 'cause', value: ({ letter }) => letter.cause, goes: 3 },
    { name: 'failures', value: ({ letter }) => letter.failures, goes: 5 },
    { name: 'redrives', value: ({ letter }) => letter.redrives, goes: 4 },
    { name: 'group', value: ({ letter }) => letter.group, goes: 6 },
    {
      name: 'died',
      value: ({ letter }) => isoTime(letter.diedMs),
      text: ({ letter }) => showTime(letter.diedMs, nowMs, utc),
      goes: 2,
    },
    {
      name: 'reason',
      value: ({ letter }) => letter.reason,
      text: ({ letter }) => harmless(letter.reason),
      widthMin: 20,
    },
    { name: 'preview', value: ({ message }) => preview(message), goes: 1 },
    { name: 'ref', align: 'left', value: ({ ref }) => ref, text: ({ ref }) => `#${ref}` },
  ]
}

/** `dead show CHANNEL [ID]`: whole; `--raw`: the bytes of one message, and nothing else. */
export const show: Run = async (invocation) => {
  const { args, flags, output } = invocation
  const isRaw = flags.isSet('raw')
  if (isRaw && output.format !== 'text') {
    throw new NarrowcastError('INVALID_ARGUMENT', '--raw excludes --json and --output')
  }
  const choice = await deadChoice(invocation)
  const id = args[1]
  const max = flags.whole('limit', { min: 1, max: listMax }) ?? 10
  await using connected = await connectTo(invocation, { look: true })
  const channel = await channelOf(invocation, connected, choice)
  const found =
    id === undefined
      ? (await newestDead(choice, connected.bus, channel, max)).found
      : await findDead(choice, connected.bus, channel, [id])
  if (isRaw) return output.data(onlyOne(channel, found).message.body)
  if (output.isJson || output.format === 'csv' || output.format === 'md') {
    const columns = entryColumns(invocation.clock.wallMs(), output.utc).filter(
      ({ name }) => name !== 'channel',
    )
    await output.list({ type: 'dead.show', columns, rows: found, item: deadJson })
    return
  }
  if (found.length === 0) output.note(`no dead letters in ${channel.name}`)
  for (const [at, entry] of found.entries()) {
    await output.data(`${at === 0 ? '' : '\n'}${deadLines(entry, invocation).join('\n')}\n`)
  }
}

/** @throws NOT_FOUND, INVALID_ARGUMENT: bytes of two messages in a row could not be told apart. */
function onlyOne({ name }: ChannelRef, found: readonly DeadEntry[]): DeadEntry {
  const [one] = found
  if (one && found.length === 1) return one
  const hint = `narrowcast dead ls ${name} --list shows which there are`
  const details = { channel: name, hint }
  if (!one) throw new NarrowcastError('NOT_FOUND', `no dead letters in ${name}`, details)
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    `--raw writes one message, and ${found.length} are meant`,
    details,
  )
}

/** `dead purge CHANNEL` */
export const purge: Run = async (invocation) => {
  const { output } = invocation
  const choice = await deadChoice(invocation)
  await using connected = await connectTo(invocation, { look: true })
  const { bus } = connected
  const channel = await channelOf(invocation, connected, choice)
  const fits = await changeFilter(choice, bus, channel)
  const refs: string[] = []
  for await (const entry of fittingDead({ ...choice, fits }, bus, channel)) refs.push(entry.ref)
  const what = `${countOf(refs.length, 'dead letter')} of ${channel.name}`
  if (await isDryRun(invocation, `would remove ${what}`)) return
  if (refs.length > 0) await askName(invocation, `Remove ${what} for good?`, channel.name)
  let removed = 0
  for (let at = 0; at < refs.length; at += 500) {
    removed += await bus.admin.removeDead(channel, refs.slice(at, at + 500))
  }
  await output.answer({
    type: 'dead.purge',
    fields: { channel: channel.name, removed },
    lines: () => [`purged ${channel.name}  ${countOf(removed, 'dead letter')}`],
  })
}

async function channelOf(
  invocation: Invocation,
  connected: Connected,
  { group }: DeadChoice,
): Promise<ChannelRef> {
  const channel = await existingChannel(invocation, connected, invocation.args[0] as string)
  if (group !== null) await existingGroup(connected.bus, channel, group)
  return channel
}

/** @throws INVALID_ARGUMENT with --group: a group is one of one stream. */
async function channelsWithDead(
  bus: Bus,
  { group }: DeadChoice,
  tell: (text: string) => void,
): Promise<ChannelRef[]> {
  if (group !== null) {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      '--group needs a channel: narrowcast dead ls CHANNEL',
    )
  }
  const found: ChannelRef[] = []
  let cursor: string | null = null
  do {
    const query = { prefix: '', cursor, limit: 100, newestFirst: false }
    const page: Page<ChannelInfo> = await bus.admin.channels(query)
    const depths = await depthsOf(bus, page.items, tell)
    // A number that the backend does not have means: look.
    const mayHave = (depth: Depth | null | undefined) =>
      depth !== unreadable && (depth?.dead ?? 0) !== 0
    found.push(...page.items.filter((_, at) => mayHave(depths[at])))
    cursor = page.cursor
  } while (cursor !== null)
  return found
}
