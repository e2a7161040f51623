import type { ChannelRef } from '../../core/channel.ts'
import type { Depth } from '../../core/driver.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type Count, isLive } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'
import { connectTo, existingChannel } from '../connection.ts'
import { depthsOf, uncounted, unreadable } from '../depths.ts'
import type { Invocation, Run } from '../invocation.ts'
import { showCount, showDuration, showRate } from '../output/quantities.ts'
import type { Column } from '../output/table.ts'
import { depthJson, keepsNothing, listChannels } from './channels.ts'

interface Row {
  readonly channel: ChannelRef
  readonly depth: Depth
  /** Messages a second; null where the backend has no totals. */
  readonly inRate: number | null
  readonly outRate: number | null
}

const channelsMax = 1_000

/** `stats [CHANNEL]`: rates from two looks, everything else from the second one. */
export const stats: Run = async (invocation) => {
  const { flags, output, clock, args, interrupts } = invocation
  const overMs = flags.durationMs('over') ?? 1_000
  if (flags.isSet('prometheus')) checkPrometheus(invocation)
  await using connected = await connectTo(invocation, { look: true })
  const { bus } = connected
  const channels = args[0]
    ? [await existingChannel(invocation, connected, args[0])]
    : await listChannels(bus, '', channelsMax)
  if (flags.isSet('prometheus')) {
    await output.data(await prometheus(invocation, bus, channels))
    return
  }
  const before = await depthsOf(bus, channels, output.warn)
  const beganMs = clock.monotonicMs()
  await clock.sleep(overMs, interrupts.claim())
  const after = await depthsOf(bus, channels, () => {}) // told before
  const tookMs = clock.monotonicMs() - beganMs
  const rows = channels.flatMap((channel, at): Row[] => {
    const ifNone = isLive(channel.pattern) ? uncounted : null
    const [first, second] = [before[at] ?? ifNone, after[at] ?? ifNone]
    if (!first || !second) return [] // removed in between
    return [
      {
        channel,
        depth: second,
        inRate: second.rates?.inPerS ?? rate(first.in, second.in, tookMs),
        outRate: second.rates?.outPerS ?? rate(first.out, second.out, tookMs),
      },
    ]
  })
  await output.list({
    type: 'stats',
    columns,
    rows,
    item: ({ channel, depth, inRate, outRate }) => ({
      channel: channel.name,
      pattern: channel.pattern,
      ...depthJson(depth),
      in_per_s: inRate,
      out_per_s: outRate,
    }),
    fields: { over_ms: Math.round(tookMs) },
    ifEmpty: `no channels on ${connected.shownUrl}`,
  })
  const lagMs = Math.max(0, ...rows.map(({ depth }) => depth.rates?.lagMs ?? 0))
  if (lagMs > 0) {
    const what = `IN/S, OUT/S and FLIGHT are as ${bus.info.product} measured them`
    output.note(`${what}, up to ${showDuration(lagMs)} ago`)
  }
  for (const channel of args[0] ? channels : []) {
    if (isLive(channel.pattern)) output.note(output.backend(keepsNothing(channel)))
  }
}

/** A format of its own, from one look. @throws INVALID_ARGUMENT beside another one. */
function checkPrometheus({ flags, output }: Invocation): void {
  if (output.format !== 'text') {
    throw new NarrowcastError(
      'INVALID_ARGUMENT',
      `stats: --prometheus and ${output.format} exclude each other: each is a format of stdout`,
      { hint: 'Leave out --json, --output and NARROWCAST_OUTPUT, or --prometheus.' },
    )
  }
  if (!flags.isSet('over')) return
  throw new NarrowcastError(
    'INVALID_ARGUMENT',
    'stats: --prometheus and --over exclude each other',
    {
      hint: 'Prometheus makes rates itself: leave out --over.',
    },
  )
}

function rate(before: Count, after: Count, tookMs: number): number | null {
  if (typeof before !== 'number' || typeof after !== 'number') return null
  return Math.round(((after - before) / tookMs) * 10_000) / 10
}

function countColumn(name: string, of: (depth: Depth) => Count, goes: number): Column<Row> {
  return {
    name,
    align: 'right',
    value: ({ depth }) => (of(depth) === 'unknown' ? null : of(depth)),
    text: ({ depth }) => showCount(of(depth)),
    goes,
  }
}

function rateColumn(
  name: string,
  head: string,
  of: (row: Row) => number | null,
  goes: number,
): Column<Row> {
  const text = (row: Row) => {
    const value = of(row)
    return value === null ? '-' : showRate(value)
  }
  return { name, head, align: 'right', value: of, text, goes }
}

const columns: readonly Column<Row>[] = [
  { name: 'channel', value: ({ channel }) => channel.name, widthMin: 12 },
  { name: 'pattern', value: ({ channel }) => channel.pattern, goes: 6 },
  countColumn('waiting', (depth) => depth.waiting, 0),
  countColumn('flight', (depth) => depth.inFlight, 4),
  {
    ...countColumn('delayed', (depth) => depth.scheduled, 7),
    stays: ({ depth }) => depth.scheduled !== 0,
  },
  countColumn('dead', (depth) => depth.dead, 3),
  rateColumn('in_per_s', 'IN', (row) => row.inRate, 1),
  rateColumn('out_per_s', 'OUT', (row) => row.outRate, 2),
  {
    name: 'oldest_ms',
    head: 'OLDEST',
    align: 'right',
    value: ({ depth }) => (typeof depth.oldestMs === 'number' ? depth.oldestMs : null),
    text: ({ depth }) => showDuration(depth.waiting === 0 ? null : depth.oldestMs),
    goes: 5,
  },
]

/** What the broker counts, and what processes tell of themselves. */
async function prometheus(
  invocation: Invocation,
  bus: Bus,
  channels: readonly ChannelRef[],
): Promise<string> {
  const { listen } = await import('../telemetry/listen.ts')
  const { prometheusText } = await import('../../runtime/telemetry/prometheus.ts')
  const view = await listen(invocation, bus)
  const depths = await depthsOf(bus, channels, invocation.output.warn)
  const readings = await Promise.all(
    channels.map(async (channel, at) => ({
      channel,
      depth: depths[at] ?? null,
      groups:
        channel.pattern === 'stream' && depths[at] !== unreadable
          ? await bus.admin.groups(channel)
          : [],
    })),
  )
  return prometheusText(readings, view)
}
