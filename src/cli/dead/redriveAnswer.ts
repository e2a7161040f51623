import type { ChannelRef } from '../../core/channel.ts'
import { errorCodes } from '../../core/errors.ts'
import { noProgress } from '../../runtime/redrive/run.ts'
import { isDryRun } from '../consent.ts'
import type { Invocation } from '../invocation.ts'
import { showCount, showDuration } from '../output/quantities.ts'
import type { Json } from '../output/table.ts'
import { type Job, resultJson } from './job.ts'
import { resumeCommand } from './jobRun.ts'

/** A threshold was missed. */
const stoppedExit = 8

interface Look {
  readonly channel: ChannelRef
  readonly to: ChannelRef | null
  readonly total: number
  /** Still to move, and no dead letters any more. */
  readonly left: number
  readonly gone: number
  readonly ratePerS: number
  /** What they are taken from: `41 dead in mail.out`. */
  readonly of: string
  readonly about: () => readonly string[]
  readonly fields: Readonly<Record<string, Json>>
}

/** Says what a dry run would move. @returns true when this is one. */
export async function isLookOnly(invocation: Invocation, look: Look): Promise<boolean> {
  const { output } = invocation
  const { channel, to, left, gone, total, ratePerS } = look
  const aboutS = Math.ceil(left / ratePerS)
  if (invocation.dryRun && !output.isJson) {
    const time = aboutS < 60 ? `${aboutS} s` : showDuration(aboutS * 1_000)
    output.note(
      `${showCount(left)} to move of ${look.of}, ${showCount(gone)} already gone, about ${time}`,
    )
    for (const line of look.about()) output.note(line)
  }
  const where = to
    ? `${to.name} (not where they came from)`
    : `${channel.name} (where they came from)`
  const would = `would move ${showCount(left)} to ${where}, at most ${showCount(ratePerS)}/s, attempts reset to 0`
  return isDryRun(invocation, would, {
    ...{ job: null, channel: channel.name, to: to?.name ?? null, chosen: total },
    ...{ to_move: left, already_gone: gone, about_ms: aboutS * 1_000, ...look.fields },
    ...{ redriven: 0, failed: 0 },
  })
}

/** What a job has come to. `job` null: there was nothing to move. @returns the exit code. */
export async function answerOf(
  { output }: Invocation,
  job: Job | null,
  fields: Readonly<Record<string, Json>>,
): Promise<number> {
  const ended = job ?? { state: 'done' as const, why: null, progress: noProgress }
  const { moved, gone, failed, unsure, repeated, diedAgain } = ended.progress
  const also = [
    [gone, 'already gone'],
    [unsure, 'unsure'],
    [repeated, 'maybe twice'],
    [diedAgain, 'died again'],
  ] as const
  await output.answer({
    type: 'dead.redrive',
    fields: { job: job?.id ?? null, ...fields, ...resultJson(ended) },
    lines: () => [
      [
        `redriven ${showCount(moved)}/${showCount(job?.total ?? 0)}`,
        `failed ${showCount(failed)}`,
        ...also.flatMap(([count, what]) => (count > 0 ? [`${what} ${showCount(count)}`] : [])),
        ...(job ? [`job ${job.id}`, `redrive count ${job.redrivesMax + 1}`] : []),
      ].join('   '),
    ],
  })
  if (job && moved > 0) {
    const { name } = job.to ?? job.channel
    output.next(`narrowcast dead ls ${name} --job ${job.id}   (lists any that die again)`)
  }
  if (ended.state === 'cancelled') return errorCodes.ABORTED.exit
  if (ended.state === 'stopped') return stoppedExit
  return failed + unsure > 0 ? 1 : 0
}

/** Why it ended before its end, and how to go on. */
export function tellEnd({ output }: Invocation, job: Job): void {
  const { progress, total } = job
  const place = `${showCount(progress.at)} of ${showCount(total)}`
  const goOn = output.backend(`Go on: ${resumeCommand(job)}`)
  if (job.state === 'cancelled') output.note(`cancelled at ${place}. ${goOn}`)
  if (job.state === 'stopped') output.warn(`stopped at ${place}: ${job.why}. ${goOn}`)
  if (progress.repeated > 0) {
    output.warn(
      `${showCount(progress.repeated)} were on their way when it was interrupted, and were sent once more: they may be there twice`,
    )
  }
}
