import type { ChannelRef } from '../../core/channel.ts'
import type { RedriveProgress } from '../../runtime/redrive/run.ts'
import { isoTime } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'

/** A redrive as its file keeps it. */
export interface Job {
  readonly id: string
  /** Without its password. */
  readonly url: string
  readonly channel: ChannelRef
  readonly to: ChannelRef | null
  readonly group: string | null
  readonly total: number
  /** The most redrives that one of them had behind it. */
  readonly redrivesMax: number
  readonly plannedMs: number
  readonly updatedMs: number
  readonly ratePerS: number
  readonly diedAgainShareMax: number
  /** `running` in the file of a process that is gone means interrupted. */
  readonly state: 'running' | 'done' | 'cancelled' | 'stopped'
  /** Of a stop. */
  readonly why: string | null
  readonly progress: RedriveProgress
}

export type JobState = Job['state'] | 'interrupted'

/** A job with what its process is doing now. */
export interface SeenJob extends Omit<Job, 'state'> {
  readonly state: JobState
}

/** What a job has come to, as every command says it in JSON. */
export function resultJson(job: Pick<Job, 'progress'> & { state: JobState; why: string | null }) {
  const { at, moved, gone, failed, unsure, repeated, diedAgain } = job.progress
  return {
    ...{ state: job.state, why: job.why, at, redriven: moved, gone, failed },
    ...{ unsure, maybe_twice: repeated, died_again: diedAgain },
  }
}

export function jobJson(job: SeenJob): { readonly [name: string]: Json } {
  const { id, url, channel, to, group, total, ratePerS, diedAgainShareMax } = job
  return {
    ...{ job: id, channel: channel.name, to: to?.name ?? null, group, total },
    ...resultJson(job),
    ...{ rate_per_s: ratePerS, stop_if: diedAgainShareMax, url },
    planned: isoTime(job.plannedMs),
    updated: isoTime(job.updatedMs),
  }
}
