import { fstatSync } from 'node:fs'
import { isLive, type Pattern } from '../../core/message.ts'
import { type CrewEnd, endJson, endWords, runCrew } from '../children/crew.ts'
import { type Until, watchSource } from '../children/untilEnd.ts'
import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { withBackend } from '../nextStep.ts'
import { countOf, showCount, showDuration } from '../output/quantities.ts'
import { missedWords } from './gaps.ts'
import { drainMs, type WorkEvent, type WorkJob } from './job.ts'
import { Reporter } from './reporter.ts'
import { counts, History, tallyJson, workFrame } from './screen.ts'
import { Tally } from './tally.ts'

export interface WorkPlan {
  readonly job: WorkJob
  readonly count: number
  readonly until: Until
}

const measureMs = 1_000

/** Runs worker processes until the end that was asked for, or until they are told to stop. */
export async function runWorkers(
  invocation: Invocation,
  { bus, shownUrl }: Connected,
  { job, count, until }: WorkPlan,
): Promise<void> {
  const { clock, output } = invocation
  const beganMs = clock.monotonicMs()
  const tally = new Tally()
  const history = new History()
  const reporter = new Reporter(invocation)
  const { channel: name, pattern, group } = job
  const facts = () => ({
    ...{ channel: name, pattern, url: shownUrl, tally, history, look: output.lookOfStderr },
    upMs: clock.monotonicMs() - beganMs,
  })
  const measure = everySecond(clock.monotonicMs, (passedMs) => {
    tally.measure(passedMs)
    if (history.depth) history.measure(history.depth, passedMs)
  })
  const end = await runCrew<WorkJob, WorkEvent>(invocation, {
    ...{ command: 'work', pattern, count, job, drainMs },
    entry: new URL('./child', import.meta.url),
    frame: (_, columns) => workFrame(facts(), columns),
    heartbeat: () => counts(facts()),
    onStart: (child) => tally.started(child),
    onDeath: (child) => tally.died(child),
    onEvent(crew, child, event) {
      tally.take(child, event)
      reporter.take(crew, child, event)
    },
    watch: (crew, stopping) =>
      watchSource(invocation, crew, stopping, {
        ...{ bus, group, until, retrying: reporter.retrying, landsAtEnd: false },
        channel: { name, pattern },
        inHand: () => tally.inHand,
        onDepth(depth) {
          history.depth = depth
          measure()
        },
      }),
    retried: () => tally.sum(({ retried }) => retried),
    draining: () => {
      const { inHand } = tally
      return inHand === 0 ? null : `draining: ${showCount(inHand)} in flight`
    },
  }).finally(() => reporter.close())
  if (tally.sum(({ dead }) => dead) > 0) {
    const [url, urlFile] = [invocation.flags.text('url'), invocation.flags.text('url-file')]
    output.note(withBackend(`why messages died: narrowcast dead ls ${name}`, { url, urlFile }))
  }
  // What a program printed to the same place may have ended within a line.
  if ('exec' in job.run && !job.tellOutput && isOnePlace()) output.note('')
  const { released, abandoned, unbegun } = tally.drained
  if (unbegun > 0) {
    const text = `error ${countOf(unbegun, 'message')} not begun: the drain of "${name}" was over before`
    output.note(output.lookOfStderr.paint('yellow', text))
  }
  output.note(lastLine(tally, end, pattern))
  await output.event('work.summary', {
    channel: name,
    ...tallyJson(tally, history),
    ...{ given_back: released, abandoned },
    ...endJson(end),
  })
}

/** Whether stdout and stderr come out in one file, pipe or terminal. */
function isOnePlace(): boolean {
  const [out, error] = [fstatSync(1), fstatSync(2)]
  return out.dev === error.dev && out.ino === error.ino
}

/** Calls at most once a second, with the time since the last call. */
function everySecond(nowMs: () => number, call: (passedMs: number) => void): () => void {
  let lastMs = nowMs() - measureMs
  return () => {
    const passedMs = nowMs() - lastMs
    if (passedMs < measureMs) return
    lastMs += passedMs
    call(passedMs)
  }
}

function lastLine(tally: Tally, end: CrewEnd, pattern: Pattern): string {
  const { settled, released, abandoned } = tally.drained
  const of = (name: 'acked' | 'retried' | 'dead' | 'late') => tally.sum((one) => one[name])
  const fate = isLive(pattern) ? 'they are lost' : 'they come again after the lease'
  return [
    `done in ${showDuration(end.drainMs)}`,
    `acked ${showCount(of('acked'))}`,
    `retried ${showCount(of('retried'))}`,
    `dead ${showCount(of('dead'))}`,
    ...(of('late') > 0 ? [`late ${showCount(of('late'))}`] : []),
    ...missedWords(tally),
    `settled while draining ${showCount(settled)}`,
    `given back ${showCount(released)}`,
    ...(abandoned > 0 ? [`not ended ${showCount(abandoned)}: ${fate}`] : []),
    ...endWords(end),
  ].join('   ')
}
