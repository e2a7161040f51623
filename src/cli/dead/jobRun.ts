import { asNarrowcastError, NarrowcastError } from '../../core/errors.ts'
import type { Bus } from '../../runtime/api.ts'
import type { RedrivePlan } from '../../runtime/redrive/plan.ts'
import { type RedriveProgress, type RedriveTrouble, runRedrive } from '../../runtime/redrive/run.ts'
import type { Invocation } from '../invocation.ts'
import { makeProgress } from '../output/progress.ts'
import { showCount } from '../output/quantities.ts'
import type { Job } from './job.ts'
import type { JobFolder } from './jobFolder.ts'

/** One by one they would fill the screen. */
const troublesShownMax = 10

/**
 * Runs a job whose lock the caller holds, until it has ended or is told to: by Ctrl-C, or by
 * `dead cancel` of another process. Its file says at every step how far it is.
 * @throws what the broker or the disk said, with how to go on
 */
export async function runJob(
  invocation: Invocation,
  { folder, job, plan, bus }: { folder: JobFolder; job: Job; plan: RedrivePlan; bus: Bus },
): Promise<Job> {
  const { output, clock, live } = invocation
  const cancelling = new AbortController()
  const signal = AbortSignal.any([invocation.interrupts.claim(), cancelling.signal])
  const bar = makeProgress(output, 'redriving', job.total, { live })
  const troubles = new Troubles(invocation)
  let now = job
  const save = async (progress: RedriveProgress, over: Partial<Job> = {}) => {
    now = { ...now, progress, updatedMs: clock.wallMs(), ...over }
    await folder.save(now)
    bar.update(progress.at)
    if (folder.isCancelAsked(job.id)) cancelling.abort()
  }
  try {
    const { ratePerS, diedAgainShareMax, progress: from } = job
    const onTrouble = (_: unknown, trouble: RedriveTrouble) => troubles.add(trouble)
    await save(from, { state: 'running', why: null })
    const end = await runRedrive(bus.admin, plan, {
      ...{ ratePerS, diedAgainShareMax, from, save, onTrouble, signal, clock },
    })
    await save(end.progress, { state: end.state, why: end.why })
    await folder.forgetCancel(job.id)
    return now
  } catch (thrown) {
    throw interrupted(now, thrown)
  } finally {
    bar.end()
    troubles.end()
  }
}

class Troubles {
  readonly #invocation: Invocation
  #count = 0

  constructor(invocation: Invocation) {
    this.#invocation = invocation
  }

  add({ code, message }: RedriveTrouble): void {
    const { output } = this.#invocation
    if (this.#count++ < troublesShownMax) output.warn(`not redriven: ${code} ${message}`)
  }

  end(): void {
    const more = this.#count - troublesShownMax
    if (more > 0) this.#invocation.output.warn(`not redriven: ${showCount(more)} more`)
  }
}

/** The command that goes on with a job. */
export const resumeCommand = ({ id }: Pick<Job, 'id'>): string =>
  `narrowcast dead redrive --resume ${id}`

function interrupted(job: Job, thrown: unknown): NarrowcastError {
  const { code, message, definite, driver, hint } = asNarrowcastError(thrown)
  const place = `${showCount(job.progress.at)} of ${showCount(job.total)}`
  return new NarrowcastError(code, `job ${job.id}: interrupted at ${place}: ${message}`, {
    definite,
    ...(driver === null ? {} : { driver }),
    channel: job.channel.name,
    hint: `${hint === null ? '' : `${hint}\n`}Go on: ${resumeCommand(job)}`,
    cause: thrown,
  })
}
