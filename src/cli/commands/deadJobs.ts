import { NarrowcastError } from '../../core/errors.ts'
import { redactUrl } from '../../core/url.ts'
import { DiedAgain } from '../../runtime/redrive/diedAgain.ts'
import type { RedriveProgress } from '../../runtime/redrive/run.ts'
import { loadSettings } from '../config/settings.ts'
import { connectTo } from '../connection.ts'
import { askYes, isDryRun } from '../consent.ts'
import { jobJson, type SeenJob } from '../dead/job.ts'
import { JobFolder } from '../dead/jobFolder.ts'
import { resumeCommand } from '../dead/jobRun.ts'
import type { Invocation, Run } from '../invocation.ts'
import { isoTime, showCount, showTime } from '../output/quantities.ts'
import type { Column } from '../output/table.ts'

const lookEveryMs = 100

/** `dead jobs [JOB]`: the redrives of this project. */
export const jobs: Run = async (invocation) => {
  const { args, output, clock } = invocation
  const folder = new JobFolder(invocation.folder)
  const [id] = args
  if (id !== undefined) return showJob(invocation, folder, id)
  const { jobs: all, damaged } = await folder.list()
  for (const { message } of damaged) output.warn(message)
  await output.list({
    type: 'dead.jobs',
    columns: columns(clock.wallMs(), output.utc),
    rows: all,
    item: jobJson,
    ifEmpty: `no redrive jobs in ${folder.path}`,
  })
}

function columns(nowMs: number, utc: boolean): readonly Column<SeenJob>[] {
  return [
    { name: 'job', value: ({ id }) => id },
    { name: 'state', value: ({ state }) => state, text: stateText },
    { name: 'channel', value: ({ channel }) => channel.name, widthMin: 8 },
    { name: 'to', value: ({ to }) => to?.name ?? null, goes: 5 },
    { name: 'redriven', ...counted('moved') },
    { name: 'failed', ...counted('failed'), goes: 3 },
    { name: 'gone', ...counted('gone'), goes: 4 },
    { name: 'died_again', ...counted('diedAgain'), goes: 2 },
    {
      name: 'planned',
      value: ({ plannedMs }) => isoTime(plannedMs),
      text: ({ plannedMs }) => showTime(plannedMs, nowMs, utc).replace(/\.\d+$/, ''),
      goes: 1,
    },
  ]
}

const counted = (name: keyof RedriveProgress) => ({
  value: ({ progress }: SeenJob) => progress[name],
  text: ({ progress }: SeenJob) => showCount(progress[name]),
})

/** `interrupted at 21 of 37` */
function stateText({ state, progress, total }: SeenJob): string {
  const of = showCount(total)
  return state === 'done' ? `done, ${of}` : `${state} at ${showCount(progress.at)} of ${of}`
}

async function showJob(invocation: Invocation, folder: JobFolder, id: string): Promise<void> {
  const { output, clock } = invocation
  const seen = await folder.read(id)
  const diedAgain = await diedAgainNow(invocation, folder, seen)
  const job = { ...seen, progress: { ...seen.progress, diedAgain } }
  const { progress, channel, to } = job
  const time = (ms: number) => showTime(ms, clock.wallMs(), output.utc).replace(/\.\d+$/, '')
  const place = (to ?? channel).name
  await output.answer({
    type: 'dead.jobs',
    fields: jobJson(job),
    lines: () => [
      `job ${id}   ${stateText(job)}${job.why === null ? '' : `: ${job.why}`}`,
      `from ${channel.name}${to ? ` to ${to.name}` : ''}${job.group === null ? '' : `, group ${job.group}`}   ${job.url}`,
      `redriven ${showCount(progress.moved)}   failed ${showCount(progress.failed)}   already gone ${showCount(progress.gone)}   unsure ${showCount(progress.unsure)}   maybe twice ${showCount(progress.repeated)}`,
      `died again ${showCount(diedAgain)}   rate ${showCount(job.ratePerS)}/s   stops above ${job.diedAgainShareMax * 100}%`,
      `planned ${time(job.plannedMs)}   last step ${time(job.updatedMs)}`,
      ...(isOpen(job) ? [`go on with ${output.backend(resumeCommand(job))}`] : []),
    ],
  })
  if (diedAgain > 0) output.next(`narrowcast dead ls ${place} --job ${id}   (lists them)`)
}

/** It has ended, and not all of it is done. */
function isOpen({ state }: SeenJob): boolean {
  return state !== 'done' && state !== 'running'
}

/** As the channel says now, where it is the backend of this command line; else as it was. */
async function diedAgainNow(
  invocation: Invocation,
  folder: JobFolder,
  job: SeenJob,
): Promise<number> {
  const { progress, channel, to, plannedMs, id, url } = job
  if (progress.moved === 0) return progress.diedAgain
  const now = redactUrl((await loadSettings(invocation)).url.value)
  if (now !== url) {
    invocation.output.note(`died again: as ${url} said when it was last looked`)
    return progress.diedAgain
  }
  await using connected = await connectTo(invocation, { look: true })
  const letters = (await folder.letters(id)).slice(0, progress.at)
  const watch = new DiedAgain(connected.bus.admin, { channel, to, plannedMs, letters })
  return Math.max(progress.diedAgain, await watch.look())
}

/** `dead cancel JOB`: the process that runs it ends it, in order. */
export const cancel: Run = async (invocation) => {
  const { args, output } = invocation
  const id = args[0] as string
  const folder = new JobFolder(invocation.folder)
  const before = await folder.read(id)
  const isOver = before.state === 'done' || before.state === 'cancelled'
  if (isOver) output.note(`job ${id} is ${before.state} already`)
  if (await isDryRun(invocation, isOver ? 'would do nothing' : `would cancel job ${id}`)) return
  if (!isOver) await askYes(invocation, `Cancel job ${id}, ${stateText(before)}?`)
  const job = isOver ? before : await end(invocation, folder, id)
  await output.answer({
    type: 'dead.cancel',
    fields: jobJson(job),
    lines: () => [`job ${id}   ${stateText(job)}`],
  })
  if (job.state === 'cancelled') output.next(resumeCommand(job))
}

/** Asks the process that runs it and waits for its answer; where there is none, does it here. */
async function end(invocation: Invocation, folder: JobFolder, id: string): Promise<SeenJob> {
  const { clock, timeoutMs, interrupts } = invocation
  const stopping = interrupts.claim()
  const untilMs = clock.monotonicMs() + timeoutMs
  await folder.askCancel(id)
  for (;;) {
    const job = await folder.read(id)
    if (job.state === 'done' || job.state === 'cancelled') {
      await folder.forgetCancel(id)
      return job
    }
    if (job.state !== 'running') return cancelHere(folder, id, clock.wallMs())
    if (stopping.aborted || clock.monotonicMs() > untilMs) throw noAnswer(id, timeoutMs)
    await clock.sleep(lookEveryMs, stopping)
  }
}

async function cancelHere(folder: JobFolder, id: string, updatedMs: number): Promise<SeenJob> {
  using _ = await folder.lock(id)
  const seen = await folder.read(id)
  const job = { ...seen, state: 'cancelled', why: null, updatedMs } as const
  if (seen.state !== 'done') await folder.save(job)
  await folder.forgetCancel(id)
  return seen.state === 'done' ? seen : job
}

function noAnswer(id: string, timeoutMs: number): NarrowcastError {
  return new NarrowcastError(
    'TIMEOUT',
    `job ${id} has not ended after ${timeoutMs} ms; it will, at its next step`,
    { hint: `narrowcast dead jobs ${id} tells when` },
  )
}
