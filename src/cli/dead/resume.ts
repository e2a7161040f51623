import { NarrowcastError } from '../../core/errors.ts'
import { redactUrl } from '../../core/url.ts'
import type { Bus } from '../../runtime/api.ts'
import { deadEntries, type RedrivePlan } from '../../runtime/redrive/plan.ts'
import { loadSettings } from '../config/settings.ts'
import { connectTo } from '../connection.ts'
import { askYes } from '../consent.ts'
import type { Invocation } from '../invocation.ts'
import { showCount } from '../output/quantities.ts'
import type { Job, SeenJob } from './job.ts'
import { JobFolder } from './jobFolder.ts'
import { runJob } from './jobRun.ts'
import { answerOf, isLookOnly, tellEnd } from './redriveAnswer.ts'
import { paceOf } from './redriveWords.ts'

/** `dead redrive --resume JOB`: goes on where it was cancelled, stopped or interrupted. */
export async function resume(invocation: Invocation, id: string): Promise<number> {
  const pace = paceOf(invocation.flags)
  const folder = new JobFolder(invocation.folder)
  await checkBackend(invocation, await folder.read(id))
  await using connected = await connectTo(invocation, { look: true })
  const { bus } = connected
  using _ = await folder.lock(id)
  const seen = await folder.read(id)
  const { channel, to, total, plannedMs, progress } = seen
  const fields = { channel: channel.name, to: to?.name ?? null, chosen: total }
  const job: Job = {
    ...seen,
    ratePerS: pace.ratePerS ?? seen.ratePerS,
    diedAgainShareMax: pace.diedAgainShareMax ?? seen.diedAgainShareMax,
    state: seen.state === 'interrupted' ? 'running' : seen.state,
  }
  if (job.state === 'done' && !invocation.dryRun) {
    invocation.output.note(`job ${id} is done: nothing is left to move`)
    return answerOf(invocation, job, fields)
  }
  const plan: RedrivePlan = { channel, to, plannedMs, letters: await folder.letters(id) }
  const left = total - progress.at
  if (invocation.dryRun) {
    const there = await countThere(bus, plan, progress.at, job.group)
    await isLookOnly(invocation, {
      ...{ channel, to, total, ratePerS: job.ratePerS, left: there, gone: left - there },
      of: `the ${showCount(total)} of job ${id}`,
      about: () => [],
      fields: { left_out: 0, more: 0 },
    })
    return 0
  }
  const question = `Go on with job ${id}: deliver the other ${showCount(left)} of ${showCount(total)} again to ${(to ?? channel).name}?`
  await askYes(invocation, question)
  await folder.forgetCancel(id)
  const ended = await runJob(invocation, { folder, job, plan, bus })
  tellEnd(invocation, ended)
  return answerOf(invocation, ended, fields)
}

/** @throws INVALID_ARGUMENT: its refs mean other letters on another backend. */
async function checkBackend(invocation: Invocation, { id, url }: SeenJob): Promise<void> {
  const now = redactUrl((await loadSettings(invocation)).url.value)
  if (now === url) return
  throw new NarrowcastError('INVALID_ARGUMENT', `job ${id} is one of ${url}, not of ${now}`, {
    hint: `narrowcast dead redrive --resume ${id} -u '${url}'`,
  })
}

/** How many of a plan, from `at` on, are dead letters still. */
async function countThere(
  { admin }: Bus,
  { channel, letters }: RedrivePlan,
  at: number,
  group: string | null,
): Promise<number> {
  const refs = new Set(letters.slice(at).map(({ ref }) => ref))
  let there = 0
  for await (const { ref } of deadEntries(admin, channel, group, false)) if (refs.has(ref)) there++
  return there
}
