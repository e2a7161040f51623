import { NarrowcastError } from '../../core/errors.ts'
import { quantileMs } from '../../runtime/telemetry/histogram.ts'
import type { TelemetryView, WorkerView } from '../../runtime/telemetry/view.ts'
import { connectTo } from '../connection.ts'
import type { Run } from '../invocation.ts'
import { showBytes, showCount, showDuration, showRate } from '../output/quantities.ts'
import { idleMs, listen } from '../telemetry/listen.ts'
import { shortNames } from '../telemetry/shortNames.ts'
import { workerColumns, workerJson } from '../telemetry/workerTable.ts'

/** `workers ls` */
export const ls: Run = async (invocation) => {
  await using connected = await connectTo(invocation, { look: true })
  const view = await listen(invocation, connected.bus)
  const short = shortNames(view.workers.map(({ worker }) => worker))
  const nowMs = invocation.clock.wallMs()
  await invocation.output.list({
    type: 'workers.ls',
    columns: workerColumns(short, nowMs),
    rows: view.workers,
    item: workerJson,
    fields: { refused_frames: view.refused },
    ifEmpty: noneSeen(connected.shownUrl, invocation.flags.durationMs('for')),
  })
}

function noneSeen(url: string, forMs: number | undefined): string {
  const isShort = forMs !== undefined && forMs < idleMs
  const next = isShort
    ? `One that has nothing to do tells every ${showDuration(idleMs)}: leave out --for`
    : 'Start one: narrowcast work hello --exec cat'
  return `no workers seen on ${url}; one that sends no telemetry is not seen.\n${next}`
}

/** `workers show WORKER` */
export const show: Run = async (invocation) => {
  await using connected = await connectTo(invocation, { look: true })
  const view = await listen(invocation, connected.bus)
  const mine = workerNamed(invocation.args[0] as string, view.workers)
  const [first] = mine as [WorkerView]
  const { host, pid, version, memoryMb, loopP99Ms, control, startMs } = first
  const tables = tablesOf(view, first)
  await invocation.output.answer({
    type: 'workers.show',
    fields: {
      worker: first.worker,
      subscriptions: mine.map(workerJson),
      tables: tables.map(({ table, rows }) => ({ table, rows })),
    },
    lines: () => [
      `${first.worker}  ${host}  pid ${pid}  narrowcast ${version}  up ${showDuration(invocation.clock.wallMs() - startMs)}`,
      `memory ${showBytes(memoryMb * 1_048_576)}  event loop p99 ${showDuration(loopP99Ms)}  control ${control ? 'on' : 'off'}`,
      ...mine.flatMap(subscriptionLines),
      ...tables.map(({ table, rows }) => `landed in ${table}  ${showCount(rows)} rows`),
    ],
  })
}

/** What the process of this worker has landed, by table. */
function tablesOf(
  view: TelemetryView,
  { host, pid }: WorkerView,
): { table: string; rows: number }[] {
  const seen = view.processes.find(({ frame }) => frame.host === host && frame.pid === pid)
  const told = seen?.frame.tables
  return (Array.isArray(told) ? told : []).flatMap((one: unknown) => {
    const { table, rows } = (one ?? {}) as Record<string, unknown>
    return typeof table === 'string' && typeof rows === 'number' ? [{ table, rows }] : []
  })
}

function subscriptionLines(one: WorkerView): string[] {
  const p = (share: number) => showDuration(quantileMs(one.latency, share))
  return [
    '',
    `${one.channel}  ${one.pattern}${one.group === null ? '' : `  group ${one.group}`}  ${one.state}`,
    `received ${showCount(one.received)}  acked ${showCount(one.acked)}${rateOf(one)}  retried ${showCount(one.retried)}  dead ${showCount(one.dead)}  errors ${showCount(one.errors)}  late ${showCount(one.late)}  redelivered ${showCount(one.redelivered)}`,
    `time in hand  p50 ${p(0.5)}  p95 ${p(0.95)}  p99 ${p(0.99)}`,
    `in hand ${showCount(one.in_flight_count)} of ${showCount(one.concurrency)}`,
    ...one.in_flight.map(({ id, for_ms }) => `  ${id}  for ${showDuration(for_ms)}`),
  ]
}

function rateOf({ ackedPerSecond }: WorkerView): string {
  return ackedPerSecond === null ? '' : ` (${showRate(ackedPerSecond)})`
}

/** Every subscription of the one worker that the text is, or begins. @throws NOT_FOUND, INVALID_ARGUMENT */
export function workerNamed(text: string, workers: readonly WorkerView[]): readonly WorkerView[] {
  const ids = [...new Set(workers.map(({ worker }) => worker))]
  const found = ids.includes(text) ? [text] : ids.filter((id) => id.startsWith(text))
  if (found.length === 1) return workers.filter(({ worker }) => worker === found[0])
  const names = [...shortNames(ids).values()].slice(0, 10).join(', ')
  if (found.length > 1) {
    throw new NarrowcastError('INVALID_ARGUMENT', `${text} begins ${found.length} workers`, {
      hint: `More of the id: ${found.slice(0, 10).join(', ')}`,
    })
  }
  throw new NarrowcastError('NOT_FOUND', `no worker ${text} was heard`, {
    hint:
      ids.length === 0
        ? 'No other was either. Start one: narrowcast work hello --exec cat'
        : `Heard were: ${names}`,
  })
}
