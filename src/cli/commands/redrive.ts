import type { ChannelRef } from '../../core/channel.ts'
import { NarrowcastError } from '../../core/errors.ts'
import { type PlannedRedrive, planRedrive } from '../../runtime/redrive/plan.ts'
import { noProgress } from '../../runtime/redrive/run.ts'
import { type Connected, connectTo, existingChannel } from '../connection.ts'
import { askYes } from '../consent.ts'
import { Causes } from '../dead/causes.ts'
import { changeFilter, deadChoice } from '../dead/choose.ts'
import type { Job } from '../dead/job.ts'
import { JobFolder } from '../dead/jobFolder.ts'
import { runJob } from '../dead/jobRun.ts'
import { answerOf, isLookOnly, tellEnd } from '../dead/redriveAnswer.ts'
import { checkResume, paceDefault, redriveWords } from '../dead/redriveWords.ts'
import { resume } from '../dead/resume.ts'
import { existingGroup } from '../groups/find.ts'
import type { Invocation, Run } from '../invocation.ts'
import { harmless } from '../output/displayWidth.ts'
import { countOf, showCount, showTime } from '../output/quantities.ts'

const causesShownMax = 20

/** `dead redrive CHANNEL`, or `--resume JOB`: a job that sends dead letters again, at a rate. */
export const redrive: Run = async (invocation) => {
  const id = invocation.flags.text('resume')
  if (id === undefined) return redriveNew(invocation)
  checkResume(invocation)
  return resume(invocation, id)
}

async function redriveNew(invocation: Invocation): Promise<number> {
  const { output, clock } = invocation
  const words = redriveWords(invocation)
  const choice = await deadChoice(invocation)
  await using connected = await connectTo(invocation, { look: true })
  const { bus } = connected
  const channel = await existingChannel(invocation, connected, words.channel)
  if (choice.group !== null) await existingGroup(bus, channel, choice.group)
  const to = words.to === null ? null : await targetOf(invocation, connected, words.to)
  const causes = new Causes()
  const plan = await planRedrive(bus.admin, {
    ...{ channel, to, group: choice.group, clock, redrivesMax: words.redrivesMax },
    ...(words.lettersMax === undefined ? {} : { lettersMax: words.lettersMax }),
    fits: await changeFilter(choice, bus, channel),
    onPlanned: (entry) => causes.add(entry),
  })
  const total = plan.letters.length
  const ratePerS = words.pace.ratePerS ?? paceDefault.ratePerS
  const look = {
    ...{ channel, to, total, ratePerS, left: total, gone: 0 },
    of: `${showCount(plan.dead)} dead in ${channel.name}`,
    about: () => [...causeLines(invocation, causes), ...leftOutLines(plan, words.redrivesMax)],
    fields: { left_out: plan.leftOut, more: plan.more },
  }
  if (await isLookOnly(invocation, look)) return 0
  for (const line of leftOutLines(plan, words.redrivesMax)) output.note(line)
  const fields = { chosen: total, ...look.fields }
  const shown = { channel: channel.name, to: to?.name ?? null }
  if (total === 0) return answerOf(invocation, null, { ...shown, ...fields })
  const question = `Deliver ${countOf(total, 'dead message')} again to ${(to ?? channel).name}?`
  await askYes(invocation, question)
  const folder = new JobFolder(invocation.folder)
  const { id, lock } = await folder.begin()
  using _ = lock
  const diedAgainShareMax = words.pace.diedAgainShareMax ?? paceDefault.diedAgainShareMax
  const job: Job = {
    ...{ id, url: connected.shownUrl, channel, to, group: choice.group, total },
    ...{ redrivesMax: causes.redrivesMax, plannedMs: plan.plannedMs, updatedMs: plan.plannedMs },
    ...{ ratePerS, diedAgainShareMax, state: 'running', why: null, progress: noProgress },
  }
  await folder.create(job, plan.letters)
  const ended = await runJob(invocation, { folder, job, plan, bus })
  tellEnd(invocation, ended)
  return answerOf(invocation, ended, { ...shown, ...fields })
}

/** @throws NOT_FOUND, with how to make it. */
async function targetOf(
  invocation: Invocation,
  connected: Connected,
  name: string,
): Promise<ChannelRef> {
  try {
    return await existingChannel(invocation, connected, name)
  } catch (error) {
    if (!(error instanceof NarrowcastError) || error.code !== 'NOT_FOUND') throw error
    const hint = `${error.hint}\nTo make it: narrowcast channels create ${name}`
    throw new NarrowcastError('NOT_FOUND', `--to: ${error.message}`, { channel: name, hint })
  }
}

function causeLines({ output, clock }: Invocation, causes: Causes): string[] {
  const last = (ms: number) => showTime(ms, clock.wallMs(), output.utc).replace(/\.\d+$/, '')
  const { list } = causes
  const more = list.length - causesShownMax
  return [
    ...list
      .slice(0, causesShownMax)
      .map(
        ({ count, reason, lastMs }) =>
          `  ${showCount(count)}  ${harmless(reason)}   last ${last(lastMs)}`,
      ),
    ...(more > 0 ? [`  and ${countOf(more, 'cause')} more`] : []),
  ]
}

/** What fits and stays where it is, and how to take it all the same. */
function leftOutLines({ leftOut, more, letters }: PlannedRedrive, redrivesMax: number): string[] {
  const times = redrivesMax === 1 ? 'once' : `${redrivesMax} times`
  const others = `${showCount(more)} more fit and wait: ${showCount(letters.length)} are a job`
  return [
    ...(leftOut > 0
      ? [
          `${showCount(leftOut)} left out: redriven ${times} and dead again (--redrives-max ${redrivesMax + 1} takes more)`,
        ]
      : []),
    ...(more > 0 ? [`${others}; do the same again for them`] : []),
  ]
}
