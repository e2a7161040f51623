import type { ChannelRef } from '../../core/channel.ts'
import type { Depth } from '../../core/driver.ts'
import type { Count, Pattern } from '../../core/message.ts'
import type { Bus } from '../../runtime/api.ts'
import {
  added,
  type HistogramData,
  nothingTimed,
  quantileMs,
} from '../../runtime/telemetry/histogram.ts'
import type { TelemetryView, WorkerView } from '../../runtime/telemetry/view.ts'
import { listChannels } from '../commands/channels.ts'
import { depthsOf } from '../depths.ts'

/** One channel at one instant; null: nobody knows. */
export interface ChannelRow {
  readonly channel: string
  readonly pattern: Pattern
  readonly waiting: number | null
  readonly inFlight: number | null
  readonly dead: number | null
  readonly oldestMs: number | null
  /** Messages a second since the look before. */
  readonly inPerS: number | null
  readonly outPerS: number | null
  /** The rates are what processes tell, or the backend has measured a while ago. */
  readonly isTold: boolean
  readonly p95Ms: number | null
  readonly isPaused: boolean
  readonly readers: readonly WorkerView[]
  /** Of a narrowcast; one of them leads. */
  readonly relays: readonly { readonly worker: string; readonly leads: boolean }[]
}

/** All of one look. */
export interface Snapshot {
  readonly timeMs: number
  readonly channels: readonly ChannelRow[]
  readonly workers: readonly WorkerView[]
  /** Sums over the channels; null where no channel has it. */
  readonly waiting: number | null
  readonly inPerS: number | null
  readonly outPerS: number | null
  readonly p95Ms: number | null
  readonly refusedFrames: number
}

const channelsMax = 1_000
/** Channels whose counts are asked for in one call. */

/** Who tells of itself, and how many frames were none. */
export type Told = Pick<TelemetryView, 'workers' | 'publishers' | 'relays' | 'refused'>

interface Looked {
  readonly depths: ReadonlyMap<string, Depth>
  readonly atMs: number
}

/** Looks again and again; rates are between two looks. */
export class Looker {
  readonly #bus: Bus
  readonly #view: Told | null
  readonly #clock: { wallMs(): number; monotonicMs(): number }
  #before: Looked | null = null

  constructor(bus: Bus, view: Told | null, clock: { wallMs(): number; monotonicMs(): number }) {
    this.#bus = bus
    this.#view = view
    this.#clock = clock
  }

  async look(): Promise<Snapshot> {
    const refs = await listChannels(this.#bus, '', channelsMax)
    const depths = new Map<string, Depth>()
    // What is unreadable has no counts here; `channels ls` says why.
    for (const [at, depth] of (await depthsOf(this.#bus, refs, () => {})).entries()) {
      if (depth) depths.set(refs[at]?.name ?? '', depth)
    }
    const now: Looked = { depths, atMs: this.#clock.monotonicMs() }
    const before = this.#before
    this.#before = now
    return this.#snapshot(refs, before, now)
  }

  #snapshot(refs: readonly ChannelRef[], before: Looked | null, now: Looked): Snapshot {
    const workers = this.#view?.workers ?? []
    const publishers = this.#view?.publishers ?? []
    const of = {
      readers: Map.groupBy(workers, channelOf),
      writers: Map.groupBy(publishers, channelOf),
      relays: Map.groupBy(this.#view?.relays ?? [], channelOf),
    }
    const all = new Map<string, Pattern>(refs.map(({ name, pattern }) => [name, pattern]))
    // A live channel may be known to nobody but those who are there.
    for (const { channel, pattern } of [...workers, ...publishers]) {
      if (!all.has(channel) && all.size < channelsMax) all.set(channel, pattern)
    }
    const channels = [...all].map(([channel, pattern]): ChannelRow => {
      const readers = of.readers.get(channel) ?? []
      const depth = now.depths.get(channel)
      const measured = depth?.rates
      const counted = measured ?? ratesOf(before, now, channel)
      const writers = of.writers.get(channel) ?? []
      const told = {
        inPerS: sum(writers.map(({ publishedPerSecond }) => publishedPerSecond)),
        outPerS: sum(readers.map(({ ackedPerSecond }) => ackedPerSecond)),
      }
      const isTold =
        measured !== undefined ||
        (counted === null && (told.inPerS !== null || told.outPerS !== null))
      return {
        ...{ channel, pattern, readers, isTold },
        ...countsOf(depth),
        inPerS: (counted ?? told).inPerS,
        outPerS: (counted ?? told).outPerS,
        p95Ms: quantileMs(timesOf(readers), 0.95),
        relays: of.relays.get(channel) ?? [],
      }
    })
    const byWaiting = (a: ChannelRow, b: ChannelRow) =>
      (b.waiting ?? -1) - (a.waiting ?? -1) || (a.channel < b.channel ? -1 : 1)
    return {
      ...{ timeMs: this.#clock.wallMs(), workers, channels: channels.sort(byWaiting) },
      waiting: sum(channels.map(({ waiting }) => waiting)),
      inPerS: sum(channels.map(({ inPerS }) => inPerS)),
      outPerS: sum(channels.map(({ outPerS }) => outPerS)),
      p95Ms: quantileMs(timesOf(workers), 0.95),
      refusedFrames: this.#view?.refused ?? 0,
    }
  }
}

const channelOf = ({ channel }: { readonly channel: string }) => channel

function countsOf(depth: Depth | undefined) {
  const waiting = known(depth?.waiting)
  return {
    waiting,
    inFlight: known(depth?.inFlight),
    dead: known(depth?.dead),
    oldestMs: waiting === 0 ? null : known(depth?.oldestMs),
    isPaused: depth?.paused ?? false,
  }
}

/** Null where the backend counts neither, or has not been asked twice. */
function ratesOf(before: Looked | null, now: Looked, channel: string) {
  const [first, second] = [before?.depths.get(channel), now.depths.get(channel)]
  if (!before || !first || !second || now.atMs <= before.atMs) return null
  const rate = (of: 'in' | 'out') => {
    const [was, is] = [known(first[of]), known(second[of])]
    if (was === null || is === null) return null
    return Math.max(0, ((is - was) * 1_000) / (now.atMs - before.atMs))
  }
  const [inPerS, outPerS] = [rate('in'), rate('out')]
  return inPerS === null && outPerS === null ? null : { inPerS, outPerS }
}

function timesOf(workers: readonly WorkerView[]): HistogramData {
  return workers.reduce((all, { recent }) => added(all, recent), nothingTimed)
}

function known(count: Count | undefined): number | null {
  return typeof count === 'number' ? count : null
}

function sum(values: readonly (number | null)[]): number | null {
  const all = values.filter((one) => one !== null)
  return all.length === 0 ? null : all.reduce((total, one) => total + one, 0)
}
