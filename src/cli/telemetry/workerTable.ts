import { quantileMs } from '../../runtime/telemetry/histogram.ts'
import type { WorkerView } from '../../runtime/telemetry/view.ts'
import { shortId } from '../messages/view.ts'
import { isoTime, showBytes, showCount, showDuration, showRate } from '../output/quantities.ts'
import type { Column, Json } from '../output/table.ts'

/** One subscription of one worker, as JSON. */
export function workerJson(one: WorkerView): Record<string, Json> {
  return {
    worker: one.worker,
    channel: one.channel,
    pattern: one.pattern,
    group: one.group,
    state: one.state,
    in_flight: one.in_flight_count,
    in_hand: one.in_flight.map(({ id, for_ms }) => ({ id, for_ms })),
    concurrency: one.concurrency,
    received: one.received,
    acked: one.acked,
    acked_per_s: one.ackedPerSecond === null ? null : Math.round(one.ackedPerSecond * 10) / 10,
    retried: one.retried,
    dead: one.dead,
    errors: one.errors,
    late: one.late,
    redelivered: one.redelivered,
    p50_ms: rounded(quantileMs(one.latency, 0.5)),
    p95_ms: rounded(quantileMs(one.latency, 0.95)),
    p99_ms: rounded(quantileMs(one.latency, 0.99)),
    memory_mb: one.memoryMb,
    loop_p99_ms: one.loopP99Ms,
    host: one.host,
    pid: one.pid,
    control: one.control,
    version: one.version,
    started: isoTime(one.startMs),
  }
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 100) / 100
}

const count = (
  name: 'acked' | 'retried' | 'late' | 'errors',
  goes: number,
): Column<WorkerView> => ({
  name,
  align: 'right',
  value: (one) => one[name],
  text: (one) => showCount(one[name]),
  goes,
})

/** `short`: what each worker is called here. */
export function workerColumns(
  short: ReadonlyMap<string, string>,
  nowMs: number,
): readonly Column<WorkerView>[] {
  return [
    {
      // Never cut: it is what is typed to name the worker.
      name: 'worker',
      value: ({ worker }) => worker,
      text: ({ worker }) => short.get(worker) ?? worker,
      wide: ({ worker }) => worker,
    },
    { name: 'channel', value: ({ channel }) => channel, widthMin: 8 },
    {
      name: 'group',
      value: ({ group }) => group,
      text: ({ group }) => group ?? '-',
      goes: 6,
      stays: ({ group }) => group !== null,
    },
    { name: 'state', value: ({ state }) => state, goes: 1 },
    {
      name: 'in_flight',
      head: 'HAND',
      align: 'left',
      value: (one) => one.in_flight_count,
      text: inHand,
      goes: 3,
    },
    count('acked', 8),
    {
      name: 'acked_per_s',
      head: 'RATE',
      align: 'right',
      value: (one) => one.ackedPerSecond,
      text: ({ ackedPerSecond: rate }) => (rate === null ? '-' : showRate(rate)),
      goes: 2,
    },
    {
      name: 'p95_ms',
      head: 'P95',
      align: 'right',
      value: (one) => rounded(quantileMs(one.latency, 0.95)),
      text: (one) =>
        showDuration(quantileMs(one.recent.count > 0 ? one.recent : one.latency, 0.95)),
      goes: 4,
    },
    count('retried', 7),
    count('late', 9),
    count('errors', 5),
    {
      name: 'memory_mb',
      head: 'MEMORY',
      align: 'right',
      value: (one) => one.memoryMb,
      text: (one) => showBytes(one.memoryMb * 1_048_576),
      goes: 10,
    },
    { name: 'process', value: ({ host, pid }) => `${host}:${pid}`, goes: 11 },
    {
      name: 'up_ms',
      head: 'UP',
      align: 'right',
      value: ({ startMs }) => nowMs - startMs,
      text: ({ startMs }) => showDuration(nowMs - startMs),
      goes: 12,
    },
  ]
}

function inHand({ in_flight_count, in_flight: [oldest] }: WorkerView): string {
  if (!oldest) return String(in_flight_count)
  return `${in_flight_count}, ${shortId(oldest.id)} for ${showDuration(oldest.for_ms)}`
}
