import type { Pipeline } from '../../pipelines/index.ts'
import { noStats, type RunStats } from '../../pipelines/runStats.ts'
import { type ChildInfo, Children } from '../children/children.ts'
import type { Connected } from '../connection.ts'
import type { Invocation } from '../invocation.ts'
import { shortId } from '../messages/view.ts'
import { harmless } from '../output/displayWidth.ts'
import { type Feed, makeFeed } from '../output/feed.ts'
import {
  countOf,
  isoTime,
  showBytes,
  showCount,
  showElapsed,
  showTime,
} from '../output/quantities.ts'
import { drainMs, type IngestEvent, type IngestJob } from './job.ts'

export interface IngestPlan {
  readonly job: IngestJob
  readonly pipeline: Pipeline
  readonly count: number
  readonly until: 'end' | { readonly timeMs: number } | null
}

/** Lines about single messages, after which they are only counted. */
const messageLinesMax = 20

/** Runs landing processes until the end that was asked for, or until they are told to stop. */
export async function runIngest(
  invocation: Invocation,
  connected: Connected,
  plan: IngestPlan,
): Promise<void> {
  const { clock, interrupts, output } = invocation
  const stopping = interrupts.claim()
  const beganMs = clock.monotonicMs()
  const reporter = new Reporter(invocation, plan)
  const feed = makeFeed({
    live: invocation.live,
    quiet: output.quiet,
    screen: process.stderr,
    keyboard: process.stdin,
    frame: () => [reporter.status(clock.monotonicMs() - beganMs)],
    heartbeat: () => reporter.status(clock.monotonicMs() - beganMs),
    onStop: interrupts.stop,
    onInterrupt: interrupts.interrupt,
    ellipsis: output.lookOfStderr.ellipsis,
    clock,
  })
  reporter.feed = feed
  const children = new Children<IngestJob, IngestEvent>({
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
    await Promise.race([children.failed, watch(invocation, connected, plan, reporter, stopping)])
    if (interrupts.exitCode === 130)
      feed.say('^C finishing: what is held lands, the rest goes back')
    const killed = await Promise.race([children.failed, children.drain()])
    if (killed > 0) feed.say(`${killed} did not end in time, killed: what they held comes again`)
  } catch (error) {
    await children.kill()
    throw error
  } finally {
    feed.close()
  }
  await reporter.summary(clock.monotonicMs() - beganMs)
}

/** Looks at the broker; resolves when it is time to stop. */
async function watch(
  { clock }: Invocation,
  { bus }: Connected,
  { pipeline, job, until, count }: IngestPlan,
  reporter: Reporter,
  stopping: AbortSignal,
): Promise<void> {
  const channel = { name: pipeline.channel.name, pattern: job.pattern ?? pipeline.channel.pattern }
  const group = channel.pattern === 'stream' ? (job.group ?? job.as ?? pipeline.name) : null
  while (!stopping.aborted) {
    if (typeof until === 'object' && until !== null && clock.wallMs() >= until.timeMs) return
    if (until === 'end' && reporter.readyCount >= count) {
      const left = await leftOf(bus, channel, group)
      if (left !== null && left <= reporter.held) return
    }
    await clock.sleep(until === null ? 1_000 : 200, stopping)
  }
}

/** What has not landed: waiting, delayed, in hand. Null: not known. */
async function leftOf(
  bus: Connected['bus'],
  channel: Parameters<Connected['bus']['admin']['groups']>[0],
  group: string | null,
): Promise<number | null> {
  if (group !== null) {
    const lag = (await bus.admin.groups(channel)).find((one) => one.group === group)?.lag
    return typeof lag === 'number' ? lag : null
  }
  const [depth] = await bus.admin.depths([channel])
  if (!depth) return null
  const { waiting, inFlight, scheduled } = depth
  if (waiting === 'unknown' || inFlight === 'unknown' || scheduled === 'unknown') return null
  return waiting + inFlight + scheduled
}

/** Adds up what the children tell, and says it. */
class Reporter {
  feed: Feed | null = null
  readonly #invocation: Invocation
  readonly #plan: IngestPlan
  /** Of every process ever started: what a dead one had landed stays landed. */
  readonly #stats = new Map<string, RunStats>()
  /** Names of the workers that read now. */
  readonly #ready = new Set<string>()
  #commits = 0
  #messageLines = 0

  constructor(invocation: Invocation, plan: IngestPlan) {
    this.#invocation = invocation
    this.#plan = plan
  }

  get readyCount(): number {
    return this.#ready.size
  }

  get held(): number {
    return this.#sum(({ held }) => held)
  }

  started({ name, pid, restarts }: ChildInfo): void {
    this.#stats.set(`${name} ${pid}`, noStats())
    const { output } = this.#invocation
    if (restarts > 0) this.feed?.say(`${name} started anew, pid ${pid}`)
    void output.event('ingest.started', { worker: name, pid })
  }

  died({ name, pid }: ChildInfo, why: string): void {
    const stats = this.#stats.get(`${name} ${pid}`)
    if (stats) this.#stats.set(`${name} ${pid}`, { ...stats, held: 0 })
    this.#ready.delete(name)
    const { output } = this.#invocation
    const line = `${name} pid ${pid} died (${why}); what it held comes again, and lands once`
    this.feed?.say(output.lookOfStderr.paint('red', line))
    void output.event('ingest.died', { worker: name, pid, why })
  }

  take(child: ChildInfo, event: IngestEvent): void {
    switch (event.kind) {
      case 'ready':
        this.#ready.add(child.name)
        return
      case 'stats':
        this.#stats.set(`${child.name} ${child.pid}`, event.stats)
        this.feed?.changed()
        return
      case 'commit':
        this.#commit(child, event.landed)
        return
      case 'dead':
        this.#message('red', `dead  ${shortId(event.id)}  ${harmless(event.reason)}`)
        return
      case 'retried':
        this.#message('yellow', `retry ${shortId(event.id)}  ${harmless(event.text)}`)
        return
      case 'error':
        this.#message('red', `error ${harmless(event.text)}`)
    }
  }

  /** `12:10:00  commit 1   7,104 messages   17,052 + 17,052 rows   2 files   712 kB` */
  #commit(child: ChildInfo, landed: Extract<IngestEvent, { kind: 'commit' }>['landed']): void {
    const { output, clock } = this.#invocation
    const nowMs = clock.wallMs()
    this.#commits++
    const rows = this.#plan.pipeline.tables.map(({ name }) => landed.rows[name] ?? 0)
    if (output.isJson) {
      void output.event('ingest.commit', {
        commit: landed.id,
        worker: child.name,
        time: isoTime(nowMs),
        messages: landed.messages,
        dead: landed.dead,
        rows: landed.rows,
        files: landed.files.length,
        bytes: landed.bytes,
        duration_ms: Math.round(landed.tookMs),
      })
      return
    }
    const deadText = landed.dead > 0 ? `   ${showCount(landed.dead)} dead` : ''
    const line = `${showTime(nowMs, nowMs, output.utc).slice(0, 8)}  commit ${this.#commits}   ${countOf(landed.messages, 'message')}   ${rows.length === 1 ? countOf(rows[0] as number, 'row') : `${rows.map(showCount).join(' + ')} rows`}   ${countOf(landed.files.length, 'file')}   ${showBytes(landed.bytes)}${deadText}`
    // A line of the answer: on stdout, unless that would tear the live region apart.
    if (this.#invocation.live && process.stdout.isTTY) this.feed?.say(line)
    else void output.data(`${line}\n`)
  }

  #message(colour: 'red' | 'yellow', line: string): void {
    this.#messageLines++
    if (this.#messageLines > messageLinesMax && this.#messageLines % 100 !== 0) return
    const isLast = this.#messageLines === messageLinesMax
    const more = isLast ? '   (from here on every hundredth is shown)' : ''
    this.feed?.say(this.#invocation.output.lookOfStderr.paint(colour, line) + more)
  }

  status(upMs: number): string {
    const of = (name: 'landed' | 'dead' | 'recognised' | 'held' | 'files') =>
      showCount(this.#sum((stats) => stats[name]))
    return `landed ${of('landed')}  held ${of('held')}  dead ${of('dead')}  known ${of('recognised')}  files ${of('files')}   up ${showElapsed(upMs)}`
  }

  async summary(tookMs: number): Promise<void> {
    const { output } = this.#invocation
    const sum = (
      name:
        | 'landed'
        | 'dead'
        | 'recognised'
        | 'skipped'
        | 'files'
        | 'bytes'
        | 'settled'
        | 'late'
        | 'conflicts',
    ) => this.#sum((stats) => stats[name])
    const rows: Record<string, number> = {}
    for (const stats of this.#stats.values()) {
      for (const [table, count] of Object.entries(stats.rows)) {
        rows[table] = (rows[table] ?? 0) + count
      }
    }
    const rowCount = Object.values(rows).reduce((total, count) => total + count, 0)
    const notes = [
      ...(sum('recognised') > 0 ? [`${showCount(sum('recognised'))} known ids skipped`] : []),
      ...(sum('skipped') > 0 ? [`${showCount(sum('skipped'))} without rows`] : []),
      ...(sum('dead') > 0 ? [`${showCount(sum('dead'))} dead`] : []),
      ...(sum('conflicts') > 0
        ? [`${showCount(sum('conflicts'))} conflicts, the first file stays`]
        : []),
      `acked ${showCount(sum('settled'))}`,
    ]
    await output.answer({
      type: 'ingest.summary',
      fields: {
        pipeline: this.#plan.job.as ?? this.#plan.pipeline.name,
        messages: sum('landed'),
        rows,
        files: sum('files'),
        bytes: sum('bytes'),
        commits: this.#commits,
        recognised: sum('recognised'),
        skipped: sum('skipped'),
        dead: sum('dead'),
        conflicts: sum('conflicts'),
        acked: sum('settled'),
        late: sum('late'),
        duration_ms: Math.round(tookMs),
      },
      lines: () => [
        `${countOf(sum('landed'), 'message')}, ${countOf(rowCount, 'row')} in ${countOf(sum('files'), 'file')}, ${showBytes(sum('bytes'))}; ${notes.join('; ')}`,
      ],
    })
  }

  #sum(of: (stats: RunStats) => number): number {
    return [...this.#stats.values()].reduce((total, stats) => total + of(stats), 0)
  }
}
