import type { Pipeline } from '../../pipelines/index.ts'
import { runCrew } from '../children/crew.ts'
import { countLeft, type Until, watchSource } from '../children/untilEnd.ts'
import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { countOf } from '../output/quantities.ts'
import { drainMs, type IngestEvent, type IngestJob } from './job.ts'
import { Reporter } from './reporter.ts'

export interface IngestPlan {
  readonly job: IngestJob
  readonly pipeline: Pipeline
  readonly count: number
  readonly until: Until
}

/** Runs landing processes until the end that was asked for, or until they are told to stop. */
export async function runIngest(
  invocation: Invocation,
  { bus }: Connected,
  { job, pipeline, count, until }: IngestPlan,
): Promise<void> {
  const { clock } = invocation
  const beganMs = clock.monotonicMs()
  const name = job.as ?? pipeline.name
  const reporter = new Reporter(invocation, { name, tables: pipeline.tables })
  const status = () => reporter.status(clock.monotonicMs() - beganMs)
  const pattern = job.pattern ?? pipeline.channel.pattern
  const source = {
    bus,
    channel: { name: pipeline.channel.name, pattern },
    group: pattern === 'stream' ? (job.group ?? name) : null,
  }
  const end = await runCrew<IngestJob, IngestEvent>(invocation, {
    ...{ command: 'ingest', pattern, count, job, drainMs },
    entry: new URL('./child', import.meta.url),
    frame: () => [status()],
    heartbeat: status,
    onStart: (child) => reporter.started(child),
    onDeath: (child) => reporter.died(child),
    onEvent: (crew, child, event) => reporter.take(crew, child, event),
    watch: (crew, stopping) =>
      watchSource(invocation, crew, stopping, {
        ...{ ...source, until, retrying: reporter.retrying, landsAtEnd: true },
        inHand: () => reporter.held,
      }),
    // What workers have just settled they tell a moment later: till then it hides what is left.
    isLeft: async () => (await countLeft(source)) > 0,
    retried: () => reporter.retried,
    draining: () => {
      const { held } = reporter
      return held === 0 ? null : `finishing: ${countOf(held, 'held message')} to land`
    },
  })
  await reporter.summary(end)
}
