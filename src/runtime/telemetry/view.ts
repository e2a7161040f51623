import type { Pattern } from '../../core/message.ts'
import type { Load } from '../strategies/leastBusy.ts'
import type { PublisherFrame, RelayFrame, SubscriptionFrame, TelemetryFrame } from './frame.ts'
import { frameSchema } from './frameSchema.ts'
import { type HistogramData, nothingTimed, since } from './histogram.ts'

/** After so many missing frames a process is silent; after so long it is gone. */
const missingMax = 3
const goneMs = 30_000
const forgetEveryMs = 1_000
/** Telemetry comes from strangers: nobody may fill our memory with it. */
const processesMax = 10_000

/** A process, or a part of it that tells for itself, by its last two frames. */
export interface SeenProcess {
  readonly frame: TelemetryFrame
  /** What the last frame but one said; null for the first. */
  readonly before: TelemetryFrame | null
  /** Monotonic, of our own clock. */
  readonly seenMs: number
  readonly beforeMs: number
}

export interface WorkerView extends SubscriptionFrame {
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly control: boolean
  readonly memoryMb: number
  readonly loopP99Ms: number
  readonly startMs: number
  /** silent: three frames are missing. */
  readonly state: 'busy' | 'idle' | 'not ready' | 'silent'
  /** Acked a second, between the last two frames. */
  readonly ackedPerSecond: number | null
  /** Of the time between the last two frames; of all time where there is only one. */
  readonly recent: HistogramData
}

export interface PublisherView extends PublisherFrame {
  readonly host: string
  readonly pid: number
  readonly publishedPerSecond: number | null
}

/** What the processes at a broker tell of themselves, by their frames. */
export class TelemetryView {
  readonly #processes = new Map<string, SeenProcess>()
  readonly #loads = new Map<string, Load>()
  #forgotMs = Number.NEGATIVE_INFINITY
  readonly #nowMs: () => number
  /** Frames that were none. */
  refused = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Takes what came on the channel, whatever it is. */
  take(data: unknown): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#forgotMs > forgetEveryMs) this.#forget()
    const { data: frame } = frameSchema.safeParse(data)
    const key = frame && keyOf(frame, frame.part)
    const known = key === undefined ? undefined : this.#processes.get(key)
    if (!frame || key === undefined || (!known && this.#processes.size >= processesMax)) {
      this.refused++
      return
    }
    if (known) this.#forgetLoads(known)
    const parts = known?.frame.parts ?? 0
    for (let part = frame.parts; part < parts; part++) this.#processes.delete(keyOf(frame, part))
    const [before, beforeMs] = known ? [known.frame, known.seenMs] : [null, nowMs]
    this.#processes.set(key, { frame, seenMs: nowMs, before, beforeMs })
    for (const { worker, in_flight_count } of frame.subscriptions) {
      this.#loads.set(worker, { inHand: in_flight_count, atMs: nowMs })
    }
  }

  /** What a worker had in hand when it last told; null: it has not, or not lately. */
  load(worker: string): Load | null {
    const load = this.#loads.get(worker)
    return load && this.#nowMs() - load.atMs <= goneMs ? load : null
  }

  /** Subscriptions, publishers and relays that frames had no room for. */
  get omitted(): number {
    const first = this.processes.filter(({ frame: { part } }) => part === 0)
    return first.reduce((sum, { frame: { omitted } }) => sum + omitted, 0)
  }

  get processes(): readonly SeenProcess[] {
    this.#forget()
    return [...this.#processes.values()]
  }

  /** Every subscription of every process, by name. */
  get workers(): WorkerView[] {
    return this.processes
      .flatMap((seen) => seen.frame.subscriptions.map((one) => this.#worker(seen, one)))
      .sort((a, b) => compare(a.worker, b.worker) || compare(a.channel, b.channel))
  }

  get publishers(): PublisherView[] {
    return this.processes.flatMap((seen) => {
      const { host, pid, publishers } = seen.frame
      return publishers.map((one) => {
        const before = seen.before?.publishers.find((was) => isSameChannel(was, one))
        const perSecond = rate(seen, before && one.published - before.published)
        return { ...one, host, pid, publishedPerSecond: perSecond }
      })
    })
  }

  get relays(): (RelayFrame & { readonly host: string; readonly pid: number })[] {
    return this.processes.flatMap(({ frame: { host, pid, relays } }) =>
      relays.map((one) => ({ ...one, host, pid })),
    )
  }

  #worker(seen: SeenProcess, one: SubscriptionFrame): WorkerView {
    const { host, pid, version, control, start, memory_mb, loop_p99_ms } = seen.frame
    const before = seen.before?.subscriptions.find(
      (was) => was.worker === one.worker && isSameChannel(was, one) && was.group === one.group,
    )
    return {
      ...one,
      ...{ host, pid, version, control },
      memoryMb: memory_mb,
      loopP99Ms: loop_p99_ms,
      startMs: Date.parse(start),
      state: this.#state(seen, one),
      ackedPerSecond: rate(seen, before && one.acked - before.acked),
      recent: since(before?.latency ?? nothingTimed, one.latency),
    }
  }

  #state(seen: SeenProcess, one: SubscriptionFrame): WorkerView['state'] {
    const silentMs = this.#nowMs() - seen.seenMs
    if (silentMs > seen.frame.every_ms * missingMax) return 'silent'
    if (!one.ready) return 'not ready'
    return one.in_flight_count > 0 ? 'busy' : 'idle'
  }

  #forget(): void {
    const nowMs = this.#nowMs()
    this.#forgotMs = nowMs
    for (const [name, seen] of this.#processes) {
      if (nowMs - seen.seenMs <= goneMs) continue
      this.#processes.delete(name)
      this.#forgetLoads(seen)
    }
  }

  #forgetLoads({ frame: { subscriptions }, seenMs }: SeenProcess): void {
    for (const { worker } of subscriptions) {
      if (this.#loads.get(worker)?.atMs === seenMs) this.#loads.delete(worker) // else told since
    }
  }
}

function keyOf({ host, pid, start, bus }: TelemetryFrame, part: number): string {
  return `${host} ${pid} ${start} ${bus} ${part}`
}

function rate({ seenMs, beforeMs }: SeenProcess, count: number | undefined): number | null {
  if (count === undefined || seenMs <= beforeMs) return null
  return (Math.max(0, count) * 1_000) / (seenMs - beforeMs)
}

function isSameChannel(
  a: { readonly channel: string; readonly pattern: Pattern },
  b: { readonly channel: string; readonly pattern: Pattern },
): boolean {
  return a.channel === b.channel && a.pattern === b.pattern
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
