import type { ChannelRef } from '../../core/channel.ts'
import type { GroupInfo } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import type { Place } from '../../core/message.ts'
import { type Connected, connectTo, existingChannel } from '../connection.ts'
import { askName, askYes, ifExists, isDryRun } from '../consent.ts'
import { checkStream, existingGroup } from '../groups/find.ts'
import { orderNote, orderText } from '../groups/order.ts'
import type { Invocation, Run } from '../invocation.ts'
import { parsePlace } from '../messages/place.ts'
import { countJson, showCount, showDuration } from '../output/quantities.ts'
import type { Column } from '../output/table.ts'

const columns: readonly Column<GroupInfo>[] = [
  { name: 'group', value: ({ group }) => group, widthMin: 12 },
  {
    name: 'lag',
    align: 'right',
    value: ({ lag }) => countJson(lag),
    text: ({ lag }) => showCount(lag),
  },
  {
    name: 'in_flight',
    head: 'FLIGHT',
    align: 'right',
    value: ({ inFlight }) => countJson(inFlight),
    text: ({ inFlight }) => showCount(inFlight),
  },
  {
    name: 'oldest_ms',
    head: 'OLDEST',
    align: 'right',
    value: ({ oldestMs, lag }) => (lag === 0 ? null : countJson(oldestMs)),
    text: ({ oldestMs, lag }) => showDuration(lag === 0 ? null : oldestMs),
    goes: 1,
  },
  {
    name: 'readers',
    align: 'right',
    value: ({ readers }) => countJson(readers),
    text: ({ readers }) => showCount(readers),
  },
  { name: 'position', align: 'right', value: ({ position }) => position, goes: 2 },
  {
    name: 'order',
    value: ({ order }) => order,
    text: ({ order }) => orderText(order) ?? '-',
    goes: 3,
  },
]

/** `groups ls CHANNEL` */
export const ls: Run = async (invocation) => {
  await using connected = await connectTo(invocation, { look: true })
  const channel = await stream(invocation, connected)
  await invocation.output.list({
    type: 'groups.ls',
    columns,
    rows: await connected.bus.admin.groups(channel),
    fields: { channel: channel.name },
    ifEmpty: `${channel.name} has no groups yet`,
  })
  await noteDelayed(invocation, connected, channel)
}

/** A lag counts what is delayed too, and no reader can get that yet. */
async function noteDelayed(
  { output }: Invocation,
  { bus }: Connected,
  channel: ChannelRef,
): Promise<void> {
  const [depth] = await bus.admin.depths([channel])
  if (!depth || depth.scheduled === 0 || depth.scheduled === 'unknown') return
  output.note(`delayed ${showCount(depth.scheduled)} in ${channel.name}, part of the lag`)
}

/** `groups show CHANNEL GROUP` */
export const show: Run = async (invocation) => {
  await using connected = await connectTo(invocation, { look: true })
  const channel = await stream(invocation, connected)
  const found = await groupOf(invocation, connected, channel)
  const { group, lag, inFlight, oldestMs, readers, position, order, partitions } = found
  await invocation.output.answer({
    type: 'groups.show',
    fields: Object.fromEntries([
      ['channel', channel.name],
      ...columns.map((column) => [column.name, column.value(found)]),
      ...(partitions
        ? [['partitions', partitions.map((one) => ({ ...one, lag: countJson(one.lag) }))]]
        : []),
    ]),
    lines: () => [
      `${group}  of ${channel.name}${orderNote(order)}`,
      `lag ${showCount(lag)}  in flight ${showCount(inFlight)}  readers ${showCount(readers)}`,
      `position ${position ?? '-'}  oldest ${showDuration(lag === 0 ? null : oldestMs)}`,
      ...(partitions ?? []).map(
        (one) => `partition ${one.partition}  lag ${showCount(one.lag)}  at ${one.position}`,
      ),
    ],
  })
  await noteDelayed(invocation, connected, channel)
}

/** `groups seek CHANNEL GROUP --to PLACE` */
export const seek: Run = async (invocation) => {
  const to = invocation.flags.text('to')
  if (to === undefined) {
    throw new NarrowcastError('INVALID_ARGUMENT', 'groups seek needs --to', {
      hint: "One of: --to first, --to end, --to '#42', --to ID, --to 2026-11-20T10:00Z, --to 10m",
    })
  }
  const place: Place = parsePlace('--to', to, invocation.clock.wallMs())
  await using connected = await connectTo(invocation, { look: true })
  const channel = await stream(invocation, connected)
  const { group, inFlight, position } = await groupOf(invocation, connected, channel)
  const what = `move ${group} of ${channel.name} from position ${position ?? '-'} to ${to}; ${showCount(inFlight)} in flight are lost to their readers`
  if (await isDryRun(invocation, `would ${what}`)) return
  await askYes(invocation, `${what.replace('move', 'Move')}?`)
  await connected.bus.admin.seek(channel, group, place)
  const after = await groupOf(invocation, connected, channel)
  await invocation.output.answer({
    type: 'groups.seek',
    fields: { channel: channel.name, group, position: after.position, lag: countJson(after.lag) },
    lines: () => [`moved ${group} of ${channel.name} to ${to}  lag ${showCount(after.lag)}`],
  })
}

/** `groups rm CHANNEL GROUP` */
export const rm: Run = (invocation) =>
  ifExists(invocation, async () => {
    await using connected = await connectTo(invocation, { look: true })
    const channel = await stream(invocation, connected)
    const { group, lag } = await groupOf(invocation, connected, channel)
    const would = `would forget ${group} of ${channel.name}, lag ${showCount(lag)}`
    if (await isDryRun(invocation, would)) return
    await askName(invocation, `Forget ${group} of ${channel.name} and its position?`, group)
    await connected.bus.admin.removeGroup(channel, group)
    await invocation.output.answer({
      type: 'groups.rm',
      fields: { channel: channel.name, group, removed: true },
      lines: () => [`removed ${group} of ${channel.name}`],
    })
  })

/** @throws UNSUPPORTED for a queue, which has no groups. */
async function stream(invocation: Invocation, connected: Connected): Promise<ChannelRef> {
  const channel = await existingChannel(invocation, connected, invocation.args[0] as string)
  checkStream(channel)
  return channel
}

function groupOf(
  { args }: Invocation,
  { bus }: Connected,
  channel: ChannelRef,
): Promise<GroupInfo> {
  return existingGroup(bus, channel, args[1] as string)
}
