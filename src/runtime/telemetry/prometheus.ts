import type { ChannelRef } from '../../core/channel.ts'
import type { Depth, GroupInfo } from '../../core/driver.ts'
import type { TelemetryFrame } from './frame.ts'
import type { HistogramData } from './histogram.ts'
import type { PublisherView, SeenProcess, TelemetryView, WorkerView } from './view.ts'

/** What a broker says of one channel. */
export interface ChannelReading {
  readonly channel: ChannelRef
  /** Null where the backend counts nothing for it. */
  readonly depth: Depth | null
  readonly groups: readonly GroupInfo[]
}

type Labels = Readonly<Record<string, string>>
type Reading<T> = (one: T) => number | 'unknown'
type Sample = readonly [Labels, number | 'unknown' | null]

/** Upper bounds of the buckets of times: doublings from an eighth of a millisecond to two minutes. */
const doublings = Array.from({ length: 21 }, (_, n) => n - 3)

/**
 * Everything that is known, in the Prometheus text format, version 0.0.4. Totals of workers begin
 * anew with their process, as Prometheus expects of counters. What a backend does not count is
 * left out.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function prometheusText(channels: readonly ChannelReading[], view: TelemetryView): string {
  return [...ofChannels(channels), ...ofWorkers(view.workers), ...ofProcesses(view)]
    .filter((metric) => metric !== '')
    .join('')
}

function ofChannels(channels: readonly ChannelReading[]): string[] {
  const depths = (name: string, help: string, type: 'gauge' | 'counter', of: Reading<Depth>) =>
    metric(`narrowcast_${name}`, help, type, [
      ...channels.flatMap(({ channel, depth }): Sample[] =>
        depth ? [[labelsOf(channel), of(depth)]] : [],
      ),
    ])
  const groups = (name: string, help: string, of: Reading<GroupInfo>) =>
    metric(`narrowcast_group_${name}`, help, 'gauge', [
      ...channels.flatMap(({ channel, groups: all }) =>
        all.map((one): Sample => [{ ...labelsOf(channel), group: one.group }, of(one)]),
      ),
    ])
  return [
    depths('waiting', 'Messages that wait.', 'gauge', ({ waiting }) => waiting),
    depths('in_flight', "Messages in workers' hands.", 'gauge', ({ inFlight }) => inFlight),
    depths('scheduled', 'Messages that wait for their time.', 'gauge', (one) => one.scheduled),
    depths('dead', 'Dead letters.', 'gauge', ({ dead }) => dead),
    depths('stored', 'Messages that the channel holds.', 'gauge', ({ stored }) => stored),
    depths('oldest_seconds', 'Age of the oldest waiting message.', 'gauge', ({ oldestMs }) =>
      oldestMs === 'unknown' ? oldestMs : oldestMs / 1_000,
    ),
    depths(
      'published_total',
      'Messages published since the channel was made.',
      'counter',
      (one) => one.in,
    ),
    depths(
      'settled_total',
      'Messages settled since the channel was made.',
      'counter',
      (one) => one.out,
    ),
    depths('paused', '1 while nothing is handed out.', 'gauge', ({ paused }) => Number(paused)),
    groups('lag', 'Messages that the group has not settled.', ({ lag }) => lag),
    groups('readers', 'Readers of the group that live.', ({ readers }) => readers),
  ]
}

function ofWorkers(workers: readonly WorkerView[]): string[] {
  const of = (name: string, help: string, type: 'gauge' | 'counter', pick: Reading<WorkerView>) =>
    metric(
      `narrowcast_worker_${name}`,
      help,
      type,
      workers.map((one): Sample => [workerLabels(one), pick(one)]),
    )
  const total = (name: keyof WorkerView & string, help: string) =>
    of(`${name}_total`, help, 'counter', (one) => one[name] as number)
  return [
    of('ready', '1 while the subscription is ready and its process is heard.', 'gauge', (one) =>
      Number(one.ready && one.state !== 'silent'),
    ),
    of('in_flight', 'Messages in its hands.', 'gauge', (one) => one.in_flight_count),
    total('received', 'Messages taken.'),
    total('redelivered', 'Messages taken that an earlier owner had failed with.'),
    total('acked', 'Messages acknowledged.'),
    total('retried', 'Messages to be tried again.'),
    total('dead', 'Messages that became dead letters.'),
    total('errors', 'Errors told.'),
    total('late', 'Messages whose work ended after their lease.'),
    times(workers),
  ]
}

function times(workers: readonly WorkerView[]): string {
  const name = 'narrowcast_worker_latency_seconds'
  const lines = workers.flatMap((one) => {
    const labels = workerLabels(one)
    const { count, sum_ms, buckets } = one.latency
    const within = doublings.map((doubling) =>
      line(
        `${name}_bucket`,
        { ...labels, le: String(2 ** doubling / 1_000) },
        upTo(buckets, doubling),
      ),
    )
    return [
      ...within,
      line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
      line(`${name}_sum`, labels, sum_ms / 1_000),
      line(`${name}_count`, labels, count),
    ]
  })
  return lines.length === 0
    ? ''
    : `${head(name, 'From taking a message until it was settled.', 'histogram')}${lines.join('')}`
}

/** What took at most 2^doubling ms: bucket n ends at 2^((n + 1) / 8). */
function upTo(buckets: HistogramData['buckets'], doubling: number): number {
  return Object.entries(buckets).reduce(
    (sum, [bucket, count]) => (Number(bucket) + 1 <= doubling * 8 ? sum + count : sum),
    0,
  )
}

function ofProcesses(view: TelemetryView): string[] {
  // Each bus tells for itself, and what does not fit in one frame in several: here a process is one.
  const processes = newest(view.processes)
  const facts = (name: string, help: string, of: Reading<(typeof processes)[number]>) =>
    metric(
      `narrowcast_process_${name}`,
      help,
      'gauge',
      processes.map((one): Sample => [{ host: one.host, pid: String(one.pid) }, of(one)]),
    )
  const published = (name: 'published' | 'failed', help: string) =>
    metric(
      `narrowcast_publisher_${name}_total`,
      help,
      'counter',
      summed(view.publishers).map(
        (one): Sample => [
          { channel: one.channel, pattern: one.pattern, host: one.host, pid: String(one.pid) },
          one[name],
        ],
      ),
    )
  const relayed = (name: RelayCount, help: string) =>
    metric(
      `narrowcast_relay_${name}_total`,
      help,
      'counter',
      view.relays.map((one): Sample => [{ channel: one.channel, worker: one.worker }, one[name]]),
    )
  return [
    facts('memory_bytes', 'Resident memory.', (one) => one.memory_mb * 1_048_576),
    facts('loop_p99_seconds', 'How late the event loop was.', (one) => one.loop_p99_ms / 1_000),
    processes.length === 0 ? '' : omitted(view),
    published('published', 'Messages stored.'),
    published('failed', 'Messages whose publisher was told an error.'),
    relayed('taken', 'Messages that the relay took.'),
    relayed('routed', 'Messages handed to a worker.'),
    relayed('rerouted', 'Messages whose first worker was gone.'),
    relayed('unknown', 'Messages that may have been handed to a worker.'),
    relayed('no_worker', 'Messages that no worker was there for.'),
    relayed('dropped', 'Messages dropped with a lost lead.'),
  ]
}

type RelayCount = 'taken' | 'routed' | 'rerouted' | 'unknown' | 'no_worker' | 'dropped'

function omitted(view: TelemetryView): string {
  const help = 'What the frames of the processes had no room for.'
  return metric('narrowcast_telemetry_omitted', help, 'gauge', [[{}, view.omitted]])
}

function newest(seen: readonly SeenProcess[]): TelemetryFrame[] {
  const byProcess = Map.groupBy(seen, ({ frame: { host, pid } }) => `${host} ${pid}`)
  const latest = (all: readonly SeenProcess[]) =>
    all.reduce((one, other) => (other.seenMs > one.seenMs ? other : one))
  return [...byProcess.values()].map((all) => latest(all).frame)
}

function summed(publishers: readonly PublisherView[]): PublisherView[] {
  const by = Map.groupBy(
    publishers,
    ({ channel, pattern, host, pid }) => `${channel} ${pattern} ${host} ${pid}`,
  )
  return [...by.values()].map((all) =>
    all.reduce((sum, one) => ({
      ...one,
      published: sum.published + one.published,
      failed: sum.failed + one.failed,
    })),
  )
}

const labelsOf = ({ name, pattern }: ChannelRef): Labels => ({ channel: name, pattern })

const workerLabels = ({ channel, pattern, group, worker, host }: WorkerView): Labels => ({
  ...{ channel, pattern, worker, host },
  ...(group === null ? {} : { group }),
})

function metric(
  name: string,
  help: string,
  type: 'gauge' | 'counter',
  samples: readonly Sample[],
): string {
  const lines = samples.flatMap(([labels, value]) =>
    typeof value === 'number' ? [line(name, labels, value)] : [],
  )
  return lines.length === 0 ? '' : head(name, help, type) + lines.join('')
}

const head = (name: string, help: string, type: string) =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

function line(name: string, labels: Labels, value: number): string {
  const inside = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${inside.length === 0 ? '' : `{${inside.join(',')}}`} ${value}\n`
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
