import type { Depth } from '../../core/driver.ts'
import { type ChildInfo, Children } from '../children/children.ts'
import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { shortId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import { type Feed, makeFeed } from '../output/feed.ts'
import { showCount, showDuration } from '../output/quantities.ts'
import { drainMs, type Settled, type WorkEvent, type WorkJob } from './job.ts'
import { counts, History, tallyJson, workFrame } from './screen.ts'
import { Tally } from './tally.ts'

export interface WorkPlan {
  readonly job: WorkJob
  readonly count: number
  readonly until: 'end' | { readonly timeMs: number } | null
}

const measureMs = 1_000
/** Between two looks at the broker, where somebody watches or the end is waited for. */
const lookMs = 200
/** Error lines in a row, after which only every hundredth is shown. */
const errorLinesMax = 20

/** Runs worker processes until the end that was asked for, or until they are told to stop. */
export async function runWorkers(
  invocation: Invocation,
  connected: Connected,
  plan: WorkPlan,
): Promise<void> {
  const { clock, output, interrupts } = invocation
  const stopping = interrupts.claim()
  const beganMs = clock.monotonicMs()
  const tally = new Tally()
  const history = new History()
  const facts = () => ({
    channel: plan.job.channel,
    pattern: plan.job.pattern,
    url: connected.shownUrl,
    upMs: clock.monotonicMs() - beganMs,
    tally,
    history,
    look: output.lookOfStderr,
  })
  const feed = makeFeed({
    live: invocation.live,
    quiet: output.quiet,
    screen: process.stderr,
    keyboard: process.stdin,
    frame: (columns) => workFrame(facts(), columns),
    heartbeat: () => counts(facts()),
    onStop: interrupts.stop,
    onInterrupt: interrupts.interrupt,
    ellipsis: output.lookOfStderr.ellipsis,
    clock,
  })
  const reporter = new Reporter(invocation, feed, tally)
  const children = new Children<WorkJob, WorkEvent>({
    entry: new URL('./child', import.meta.url),
    count: plan.count,
    job: plan.job,
    drainMs,
    clock,
    onStart: (child) => reporter.started(child),
    onDeath: (child, why) => reporter.died(child, why),
    onEvent: (child, event) => reporter.take(child, event),
  })
  try {
    await Promise.race([
      children.failed,
      watch(invocation, connected, plan, { tally, history, feed, stopping }),
    ])
    await drain(children, tally, feed, invocation)
  } catch (error) {
    await children.kill()
    throw error
  } finally {
    feed.close()
  }
  await output.event('work.summary', {
    channel: plan.job.channel,
    ...tallyJson(tally, history),
    given_back: tally.drained.released,
    abandoned: tally.drained.abandoned,
    duration_ms: Math.round(clock.monotonicMs() - beganMs),
  })
}

/** Looks at the broker; resolves when it is time to stop. */
async function watch(
  { clock, live }: Invocation,
  { bus }: Connected,
  { job, until, count }: WorkPlan,
  {
    tally,
    history,
    feed,
    stopping,
  }: {
    tally: Tally
    history: History
    feed: Feed
    stopping: AbortSignal
  },
): Promise<void> {
  const channel = { name: job.channel, pattern: job.pattern }
  let measuredMs = clock.monotonicMs() - measureMs
  let wasPaused = false
  while (!stopping.aborted) {
    const workers = [...tally.workers.values()]
    const isUp = workers.filter(({ state }) => state !== 'starting').length === count
    const [depth] = await bus.admin.depths([channel])
    const passedMs = clock.monotonicMs() - measuredMs
    if (depth) history.depth = depth
    if (depth?.paused && !wasPaused) {
      feed.say(`${job.channel} is paused; narrowcast channels resume ${job.channel} ends that`)
    }
    wasPaused = depth?.paused ?? false
    if (depth && passedMs >= measureMs) {
      tally.measure(passedMs)
      history.measure(depth, passedMs)
      measuredMs += passedMs
    }
    feed.changed()
    if (until !== null && until !== 'end' && clock.wallMs() >= until.timeMs) return
    const mayEnd = until === 'end' && isUp && tally.inHand === 0
    if (mayEnd && depth && (await isEmpty(bus, channel, job.group, depth))) return
    await clock.sleep(until === null && !live ? measureMs : lookMs, stopping)
  }
}

/** Nothing waits, nothing is in flight, nothing comes later. */
async function isEmpty(
  bus: Connected['bus'],
  channel: { readonly name: string; readonly pattern: WorkJob['pattern'] },
  group: string | null,
  depth: Depth,
): Promise<boolean> {
  if (group === null) {
    return depth.waiting === 0 && depth.inFlight === 0 && depth.scheduled === 0
  }
  const groups = await bus.admin.groups(channel)
  return groups.find((one) => one.group === group)?.lag === 0
}

async function drain(
  children: Children<WorkJob, WorkEvent>,
  tally: Tally,
  feed: Feed,
  { clock, interrupts }: Invocation,
): Promise<void> {
  const beganMs = clock.monotonicMs()
  const how = interrupts.exitCode === 130 ? '^C ' : ''
  const inHand = tally.inHand
  if (inHand > 0) feed.say(`${how}draining: ${showCount(inHand)} in flight`)
  const killed = await children.drain()
  if (killed > 0) feed.say(`${killed} did not end in time, killed: what they held comes again`)
  const { settled, released, abandoned } = tally.drained
  const left = abandoned > 0 ? `   not ended ${abandoned}: they come again after the lease` : ''
  feed.say(
    `${inHand > 0 ? '' : how}done in ${showDuration(clock.monotonicMs() - beganMs)}   acked ${showCount(tally.sum((one) => one.acked))}   settled while draining ${settled}   given back ${released}${left}`,
  )
}

/** Turns what the children tell into lines and JSON. */
class Reporter {
  readonly #invocation: Invocation
  readonly #feed: Feed
  readonly #tally: Tally
  #errorLines = 0

  constructor(invocation: Invocation, feed: Feed, tally: Tally) {
    this.#invocation = invocation
    this.#feed = feed
    this.#tally = tally
  }

  started(child: ChildInfo): void {
    this.#tally.started(child)
    if (child.restarts > 0) this.#feed.say(`${child.name} started anew, pid ${child.pid}`)
    else this.#feed.plain(`started ${child.name} pid ${child.pid}`)
    void this.#invocation.output.event('work.started', { worker: child.name, pid: child.pid })
  }

  died(child: ChildInfo, why: string): void {
    this.#tally.died(child)
    const { paint } = this.#invocation.output.lookOfStderr
    this.#feed.say(
      paint('red', `${child.name} pid ${child.pid} died (${why}); what it held comes again`),
    )
    void this.#invocation.output.event('work.died', { worker: child.name, pid: child.pid, why })
  }

  take(child: ChildInfo, event: WorkEvent): void {
    this.#tally.take(child, event)
    if (event.kind === 'tick') {
      for (const settled of event.settled) this.#settled(child, settled)
      this.#feed.changed()
    } else if (event.kind === 'output') this.#output(child, event)
    else if (event.kind === 'dead') {
      this.#say('red', `dead  ${shortId(event.id)}  ${harmless(event.reason)}`)
    } else if (event.kind === 'late') {
      this.#say(
        'yellow',
        `late  ${shortId(event.id)}  finished ${showDuration(event.overdueMs)} after its ownership ended`,
      )
    } else if (event.kind === 'failed') {
      const id = event.id === null ? '' : `${shortId(event.id)}  `
      this.#say('yellow', `error ${id}${harmless(event.text)}`)
    }
  }

  #settled(child: ChildInfo, { id, kind, outcome, attempt, tookMs }: Settled): void {
    const { output } = this.#invocation
    void output.event('work.settled', {
      id,
      worker: child.name,
      verdict: kind,
      outcome,
      attempt,
      duration_ms: Math.round(tookMs * 10) / 10,
    })
  }

  #output(child: ChildInfo, { id, line, isError }: Extract<WorkEvent, { kind: 'output' }>): void {
    const { output } = this.#invocation
    if (isError) this.#feed.say(`${child.name} ${shortId(id)}  ${harmless(line)}`)
    else if (output.isJson) void output.event('work.output', { id, worker: child.name, line })
    else if (output.format !== 'none') this.#feed.say(line)
  }

  #say(colour: 'red' | 'yellow', line: string): void {
    this.#errorLines++
    if (this.#errorLines > errorLinesMax && this.#errorLines % 100 !== 0) return
    const more =
      this.#errorLines === errorLinesMax ? '   (from here on every hundredth is shown)' : ''
    this.#feed.say(this.#invocation.output.lookOfStderr.paint(colour, line) + more)
  }
}
