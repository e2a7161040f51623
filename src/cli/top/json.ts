import { isoTime } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import type { Change } from './changes.ts'
import type { ChannelRow, Snapshot } from './snapshot.ts'

/** One look, as an object. */
export function snapshotJson(
  { timeMs, channels, workers, ...all }: Snapshot,
  changes: readonly Change[],
): Record<string, Json> {
  return {
    time: isoTime(timeMs),
    waiting: all.waiting,
    in_per_s: tenth(all.inPerS),
    out_per_s: tenth(all.outPerS),
    p95_ms: tenth(all.p95Ms),
    workers: new Set(workers.map(({ worker }) => worker)).size,
    refused_frames: all.refusedFrames,
    channels: channels.map(rowJson),
    events: changes.map((one) => ({ ...one })),
  }
}

function rowJson(row: ChannelRow): Record<string, Json> {
  return {
    channel: row.channel,
    pattern: row.pattern,
    waiting: row.waiting,
    in_flight: row.inFlight,
    dead: row.dead,
    oldest_ms: tenth(row.oldestMs),
    in_per_s: tenth(row.inPerS),
    out_per_s: tenth(row.outPerS),
    exact: !row.isTold,
    p95_ms: tenth(row.p95Ms),
    paused: row.isPaused,
    relays: row.relays.map(({ worker, leads }) => ({ worker, leads })),
    readers: row.readers.map(({ worker, state }) => ({ worker, state })),
  }
}

function tenth(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10
}
