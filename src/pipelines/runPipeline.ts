import { checkName } from '../core/channel.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import { isLive, type LivePattern, type Pattern } from '../core/message.ts'
import type { Bus, Channel } from '../runtime/api.ts'
import { onlyKnown, wrongOption } from '../runtime/checks.ts'
import { abortedError } from '../runtime/thrown.ts'
import { untilAborted } from '../runtime/untilAborted.ts'
import { checkPattern, checkPipelineName, type Pipeline } from './definePipeline.ts'
import { LiveDeliveries } from './liveDeliveries.ts'
import { Run } from './run.ts'
import type { PipelineEvents } from './runEvents.ts'
import type { RunStats } from './runStats.ts'
import type { Sink, Step, StepInfo } from './sink.ts'

export interface RunOptions {
  /** Where rows land: `lake(dir)` or `perKey(dir)`. */
  readonly to: Sink
  /** On a stream. @default the pipeline's name */
  readonly group?: string
  /** Overrides the pipeline's own. */
  readonly pattern?: Pattern
  /**
   * Another name for the pipeline. The same name on the same folder skips what it has written
   * before, so a backfill takes a new one. @default the pipeline's name
   */
  readonly as?: string
  /** Label of the worker id. @default the program's name */
  readonly name?: string
  /** Ends the run in order, as `drain()`; ABORTED where nothing could have come yet. */
  readonly signal?: AbortSignal
  /** Awaited after each step of the sink; for tests and demonstrations that stop at a point. */
  readonly onStep?: (step: Step, info: StepInfo) => void | Promise<void>
  /** @default the system's */
  readonly clock?: Clock
}

export interface PipelineRun extends AsyncDisposable {
  readonly pipeline: string
  /** Id of this worker: `<name>-<8 random>`. */
  readonly worker: string
  readonly isReady: boolean
  stats(): RunStats
  /** Returns the function that takes the listener away again. */
  on<E extends keyof PipelineEvents>(
    event: E,
    listener: (what: PipelineEvents[E]) => void,
  ): () => void
  /**
   * Takes nothing new, lands and settles what it holds, closes. What is not done by then is given
   * back at no cost. @default 30 s
   */
  drain(options?: { timeoutMs?: number }): Promise<void>
  /** Resolves when the run has ended in order; rejects with the trouble that ended it. */
  readonly closed: Promise<void>
}

/** Where channels are opened; the live patterns may be left out. */
type Source = Pick<Bus, 'queue' | 'stream'> & Partial<Pick<Bus, LivePattern>>

const known: readonly (keyof RunOptions)[] = [
  'to',
  'group',
  'pattern',
  'as',
  'name',
  'signal',
  'onStep',
  'clock',
]

/** The body as it lies in the broker, so that a dead letter can keep it byte for byte. */
const rawCodec: Codec = {
  name: 'raw',
  encode: (data) => data as string | Uint8Array,
  decode: (body) => body,
}

/**
 * Runs a pipeline: messages become rows, rows become files, and only then is a message settled.
 * Resolves when the folder is checked, what dead workers left is recovered, and the broker has
 * confirmed the subscription.
 * @throws INVALID_ARGUMENT, CONFLICT, STORE_UNUSABLE, DISK_FULL, LAKE_DAMAGED, UNSUPPORTED
 */
export async function runPipeline(
  pipeline: Pipeline,
  bus: Source & Pick<Bus, 'telemetry'>,
  options: RunOptions,
): Promise<PipelineRun> {
  onlyKnown('runPipeline', options, known)
  const { to, as = pipeline.name, pattern = pipeline.channel.pattern, name } = options
  if (typeof to?.open !== 'function') throw wrongOption('to', 'lake(dir) or perKey(dir)', to)
  checkPipelineName(as)
  checkPattern('pattern', pattern)
  if (options.group !== undefined) {
    if (pattern !== 'stream') throw wrongOption('group', `nothing on a ${pattern}`, options.group)
    checkName('group', options.group)
  }
  const channel = openChannel(bus, pipeline.channel.name, pattern)
  const { signal } = options
  await untilAborted(channel.opened(), signal, () =>
    abortedError('runPipeline', signal as AbortSignal),
  )
  const hold = {
    ...{ holdMax: to.holdMax, holdBytesMax: 2 * to.limits.bytesMax },
    ...(name !== undefined && { name }),
  }
  const deliveries = isLive(pattern)
    ? new LiveDeliveries(channel, hold)
    : channel.deliveries({
        ...hold,
        charge: 'marked',
        dedupe: false, // the sink knows what has landed
        ...(pattern === 'stream' && { group: options.group ?? as }),
      })
  // Every subscriber of a broadcast has a copy of its own, and lands it: no other one's counts.
  const own = pattern === 'broadcast' ? `${as}.${deliveries.worker.id}` : as
  const run = new Run({
    pipeline: { ...pipeline, name: own, channel: { name: pipeline.channel.name, pattern } },
    deliveries,
    sink: to,
    clock: options.clock ?? systemClock,
    onStep: options.onStep ?? null,
  })
  await run.start(signal ?? null)
  const forget = bus.telemetry.add(() => ({ tables: tablesOf(as, run.stats()) }))
  run.closed.then(forget, forget)
  return run
}

/** What it tells others of itself. */
function tablesOf(
  pipeline: string,
  { rows }: RunStats,
): { pipeline: string; table: string; rows: number }[] {
  return Object.entries(rows).map(([table, count]) => ({ pipeline, table, rows: count }))
}

function openChannel(bus: Source, name: string, pattern: Pattern): Channel<string | Uint8Array> {
  const channel = bus[pattern]?.<string | Uint8Array>(name, { codec: rawCodec })
  if (channel) return channel
  throw wrongOption('pattern', "'queue' or 'stream' here", pattern)
}
