import type { ChannelRef } from '../../core/channel.ts'
import type { DeadEntry } from '../../core/driver.ts'
import type { Bus } from '../../runtime/api.ts'
import { type Connected, connectTo, existingChannel } from '../connection.ts'
import { askName, isDryRun } from '../consent.ts'
import { type Cause, Causes } from '../dead/causes.ts'
import {
  chooseDead,
  type DeadChoice,
  deadChoice,
  findDead,
  fittingDead,
  newestDead,
} from '../dead/choose.ts'
import { deadLines } from '../dead/lines.ts'
import { existingGroup } from '../groups/find.ts'
import type { Invocation, Run } from '../invocation.ts'
import { deadJson, preview, shortId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import { countOf, isoTime, showCount, showTime } from '../output/quantities.ts'
import type { Column } from '../output/table.ts'

const lookMax = 10_000
/** One line each: these are kept whole until they are printed. */
const listMax = 1_000

/** `dead ls CHANNEL`: by cause; `-o wide`, csv, md and ndjson one line each. */
export const ls: Run = async (invocation) => {
  const { flags, output } = invocation
  const choice = deadChoice(invocation)
  const isOneByOne = ['wide', 'csv', 'md', 'ndjson'].includes(output.format)
  const max = flags.whole('limit', { min: 1 }) ?? (isOneByOne ? listMax : lookMax)
  await using connected = await connectTo(invocation, { look: true })
  const channel = await channelOf(invocation, connected, choice)
  const ifEmpty = `no dead letters in ${channel.name}`
  const look = { ...choice, bus: connected.bus, channel, max, ifEmpty }
  const isWhole = isOneByOne ? await listEach(invocation, look) : await listCauses(invocation, look)
  if (!isWhole) output.note(`looked at the newest ${showCount(max)}; --limit looks at more`)
}

interface Look extends DeadChoice {
  readonly bus: Bus
  readonly channel: ChannelRef
  readonly max: number
  readonly ifEmpty: string
}

async function listEach({ output, clock }: Invocation, look: Look): Promise<boolean> {
  const { bus, channel, max, ifEmpty } = look
  const { found, isWhole } = await newestDead(look, bus, channel, max)
  const columns = entryColumns(clock.wallMs(), output.utc)
  await output.list({ type: 'dead.ls', columns, rows: found, item: deadJson, ifEmpty })
  return isWhole
}

async function listCauses({ output, clock }: Invocation, look: Look): Promise<boolean> {
  const { bus, channel, max, ifEmpty } = look
  const causes = new Causes()
  let isWhole = true
  for await (const entry of fittingDead(look, bus, channel)) {
    if (causes.count === max) {
      isWhole = false
      break
    }
    causes.add(entry)
  }
  await output.list({
    type: 'dead.ls',
    columns: causeColumns(clock.wallMs(), output.utc).filter(
      ({ name }) => name !== 'group' || channel.pattern === 'stream',
    ),
    rows: causes.list,
    item: causeJson,
    fields: { channel: channel.name, total: causes.count, exact: isWhole },
    ifEmpty,
  })
  if (causes.count > 0) output.next(`narrowcast dead redrive ${channel.name} --dry-run`)
  return isWhole
}

function causeColumns(nowMs: number, utc: boolean): readonly Column<Cause>[] {
  return [
    { name: 'count', value: ({ count }) => count, text: ({ count }) => showCount(count) },
    { name: 'cause', value: ({ cause }) => cause, goes: 3 },
    {
      name: 'reason',
      value: ({ reason }) => reason,
      text: ({ reason }) => harmless(reason),
      widthMin: 20,
    },
    { name: 'group', value: ({ group }) => group, goes: 2 },
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

const causeJson = ({ count, cause, reason, group, firstMs, lastMs, example }: Cause) => ({
  count,
  cause,
  reason,
  group,
  first: isoTime(firstMs),
  last: isoTime(lastMs),
  example,
})

function entryColumns(nowMs: number, utc: boolean): readonly Column<DeadEntry>[] {
  return [
    { name: 'id', value: ({ message }) => message.id, text: ({ message }) => harmless(message.id) },
    { name: 'key', value: ({ message }) => message.key },
    { name: 'cause', value: ({ letter }) => letter.cause },
    { name: 'failures', value: ({ letter }) => letter.failures },
    { name: 'redrives', value: ({ letter }) => letter.redrives },
    { name: 'group', value: ({ letter }) => letter.group },
    {
      name: 'died',
      value: ({ letter }) => isoTime(letter.diedMs),
      text: ({ letter }) => showTime(letter.diedMs, nowMs, utc),
    },
    {
      name: 'reason',
      value: ({ letter }) => letter.reason,
      text: ({ letter }) => harmless(letter.reason),
    },
    { name: 'preview', value: ({ message }) => preview(message) },
    { name: 'ref', align: 'left', value: ({ ref }) => ref, text: ({ ref }) => `#${ref}` },
  ]
}

/** `dead show CHANNEL [ID]`: whole. */
export const show: Run = async (invocation) => {
  const { args, flags, output } = invocation
  const choice = deadChoice(invocation)
  const id = args[1]
  const max = flags.whole('limit', { min: 1, max: listMax }) ?? 10
  await using connected = await connectTo(invocation, { look: true })
  const channel = await channelOf(invocation, connected, choice)
  const found =
    id === undefined
      ? (await newestDead(choice, connected.bus, channel, max)).found
      : await findDead(choice, connected.bus, channel, [id])
  if (output.isJson || output.format === 'csv' || output.format === 'md') {
    await output.list({
      type: 'dead.show',
      columns: entryColumns(invocation.clock.wallMs(), output.utc),
      rows: found,
      item: deadJson,
    })
    return
  }
  if (found.length === 0) output.note(`no dead letters in ${channel.name}`)
  for (const [at, entry] of found.entries()) {
    await output.data(`${at === 0 ? '' : '\n'}${deadLines(entry, invocation).join('\n')}\n`)
  }
}

/** `dead purge CHANNEL` */
export const purge: Run = async (invocation) => {
  const { output } = invocation
  const choice = deadChoice(invocation)
  await using connected = await connectTo(invocation, { look: true })
  const channel = await channelOf(invocation, connected, choice)
  const { refs } = await chooseDead(choice, connected.bus, channel)
  const what = `${countOf(refs.length, 'dead letter')} of ${channel.name}`
  if (await isDryRun(invocation, `would remove ${what}`)) return
  if (refs.length > 0) await askName(invocation, `Remove ${what} for good?`, channel.name)
  let removed = 0
  for (let at = 0; at < refs.length; at += 500) {
    removed += await connected.bus.admin.removeDead(channel, refs.slice(at, at + 500))
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
