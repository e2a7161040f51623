import { isLive, type Pattern } from '../../core/message.ts'
import type { ConnectionEvent } from '../connectionWatch.ts'
import type { Invocation } from '../invocation.ts'
import { type Feed, makeFeed } from '../output/feed.ts'
import { Outage } from '../output/outage.ts'
import { countOf, showDuration } from '../output/quantities.ts'
import { type ChildInfo, Children } from './children.ts'

/** One command's workers: what they do, and how it is shown. */
export interface CrewPlan<Job, Event> {
  /** First word of its JSON events: `work.started`. */
  readonly command: 'work' | 'ingest'
  readonly pattern: Pattern
  readonly entry: URL
  readonly count: number
  readonly job: Job
  /** What a worker gets to end what it has in hand. */
  readonly drainMs: number
  readonly frame: (crew: Crew, columns: number) => readonly string[]
  readonly heartbeat: (crew: Crew) => string
  readonly onStart: (child: ChildInfo) => void
  readonly onDeath: (child: ChildInfo) => void
  readonly onEvent: (crew: Crew, child: ChildInfo, event: Event) => void
  /** Resolves when it is time to end. */
  readonly watch: (crew: Crew, stopping: AbortSignal) => Promise<void>
  /** Asked when the workers have ended: whether there is still what the end is to wait for. */
  readonly isLeft?: () => Promise<boolean>
  /** How many messages have failed, and come again, so far. */
  readonly retried: () => number
  /** What is said when the end begins, null for nothing. */
  readonly draining: () => string | null
}

/** What the workers' run came to. */
export interface CrewEnd {
  /** Workers that died and were started anew. */
  readonly died: number
  /** Workers that did not end in time. */
  readonly killed: number
  readonly drainMs: number
  readonly tookMs: number
}

/** Lines about single messages, after which only every hundredth is shown. */
const messageLinesMax = 20

/**
 * Runs workers until `watch` resolves, or one of them cannot go on. Where something that they had
 * in hand at the end comes again, they begin anew, unless they were told to stop. Leaves none behind.
 */
export async function runCrew<Job, Event extends { readonly kind: string }>(
  invocation: Invocation,
  plan: CrewPlan<Job, Event>,
): Promise<CrewEnd> {
  const { clock, interrupts } = invocation
  const stopping = interrupts.claim()
  const beganMs = clock.monotonicMs()
  const crew = new Crew(invocation, plan)
  let killed = 0
  try {
    for (;;) {
      const children = start(invocation, plan, crew)
      const ended = new AbortController()
      void children.ended.then(() => ended.abort())
      try {
        const over = AbortSignal.any([stopping, ended.signal])
        await Promise.race([children.failed, plan.watch(crew, over)])
        const before = { deaths: crew.deaths, retried: plan.retried(), ms: clock.monotonicMs() }
        sayDraining(invocation, plan, crew)
        const late = await Promise.race([children.failed, children.drain()])
        if (late > 0) {
          crew.feed.say(
            `${late} did not end in time, killed: what they held ${fateOf(plan.pattern)}`,
          )
        }
        killed += late
        const comesAgain =
          late > 0 || crew.deaths > before.deaths || plan.retried() > before.retried
        const isMore = async () => comesAgain || ((await plan.isLeft?.()) ?? false)
        const isMoreToDo = crew.isToBeEmpty && !crew.hasEnded && !stopping.aborted
        if (isMoreToDo && (await isMore())) continue
        const endMs = clock.monotonicMs()
        crew.sayLeft()
        return { died: crew.deaths, killed, drainMs: endMs - before.ms, tookMs: endMs - beganMs }
      } catch (error) {
        await children.kill()
        throw error
      }
    }
  } finally {
    crew.feed.close()
  }
}

function start<Job, Event extends { readonly kind: string }>(
  { clock }: Invocation,
  plan: CrewPlan<Job, Event>,
  crew: Crew,
): Children<Job, Event> {
  crew.begin()
  return new Children<Job, Event>({
    ...{ entry: plan.entry, count: plan.count, job: plan.job, drainMs: plan.drainMs, clock },
    onStart: (child) => {
      plan.onStart(child)
      crew.started(child)
    },
    onDeath: (child, why) => {
      plan.onDeath(child)
      crew.died(child, why)
    },
    onEnd: (child) => crew.ended(child),
    without: crew.endedNames,
    onEvent: (child, event) => {
      if (event.kind === 'ready') crew.ready(child)
      if (isOfConnection(event)) crew.connection(child, event)
      else plan.onEvent(crew, child, event)
    },
  })
}

function isOfConnection(event: { readonly kind: string }): event is ConnectionEvent {
  return event.kind === 'away' || event.kind === 'back'
}

function sayDraining(
  { interrupts }: Invocation,
  plan: Pick<CrewPlan<never, never>, 'draining'>,
  { feed }: Crew,
): void {
  const isTold = interrupts.exitCode !== null
  // What workers have just taken is not known here yet.
  const line = plan.draining() ?? (isTold ? 'draining' : null)
  if (line === null) return
  const how = interrupts.exitCode === 130 ? '^C ' : ''
  feed.say(`${how}${line}${isTold ? '   (Ctrl-C again stops now)' : ''}`)
}

/** What is said of the workers, and who of them works. */
export class Crew {
  readonly feed: Feed
  /** What `--until end` waits for, in words; null where it is plain to see. */
  waitsFor: string | null = null
  /** Workers that died. */
  deaths = 0
  /** Delayed messages that `--until end` does not wait for; null: the end is another one. */
  left: number | null = null
  readonly #invocation: Invocation
  readonly #plan: Pick<CrewPlan<never, never>, 'command' | 'pattern' | 'count'>
  /** Workers that were told to end by others, and stay away. */
  readonly endedNames = new Set<string>()
  readonly #ready = new Set<string>()
  readonly #outage: Outage
  #messageLines = 0

  constructor(
    invocation: Invocation,
    plan: Pick<CrewPlan<never, never>, 'command' | 'pattern' | 'count' | 'frame' | 'heartbeat'>,
  ) {
    const { live, output, interrupts, clock } = invocation
    this.#invocation = invocation
    this.#plan = plan
    this.#outage = new Outage(clock, (colour, line) =>
      this.feed.say(output.lookOfStderr.paint(colour, line)),
    )
    const waits = () => (this.waitsFor === null ? [] : [this.waitsFor])
    this.feed = makeFeed({
      ...{ live, quiet: output.quiet, clock, screen: process.stderr, keyboard: process.stdin },
      frame: (columns) => [...plan.frame(this, columns), ...waits()],
      heartbeat: () => [plan.heartbeat(this), ...waits()].join('   '),
      onStop: interrupts.stop,
      onInterrupt: interrupts.interrupt,
      ellipsis: output.lookOfStderr.ellipsis,
    })
  }

  /** The run ends where nothing that was due is left. */
  get isToBeEmpty(): boolean {
    return this.left !== null
  }

  /** New workers are started. */
  begin(): void {
    this.#ready.clear()
    this.waitsFor = null
    this.left = null
  }

  sayLeft(): void {
    if (this.left) this.feed.say(`${countOf(this.left, 'delayed message')} not due yet: left`)
  }

  /** Every worker that is to work has its subscription confirmed. */
  get isUp(): boolean {
    return new Set([...this.#ready, ...this.endedNames]).size >= this.#plan.count
  }

  /** None is left to work. */
  get hasEnded(): boolean {
    return this.endedNames.size >= this.#plan.count
  }

  started({ name, pid, restarts }: ChildInfo): void {
    if (restarts > 0) this.feed.say(`${name} started anew, pid ${pid}`)
    else this.feed.plain(`started ${name} pid ${pid}`)
    void this.#event('started', { worker: name, pid })
  }

  ready({ name }: ChildInfo): void {
    this.#ready.add(name)
    this.#outage.back(name) // one that died while it was away has begun anew
  }

  connection({ name }: ChildInfo, event: ConnectionEvent): void {
    if (event.kind === 'back') this.#outage.back(name)
    else this.#outage.away(name, event.why)
  }

  ended({ name, pid }: ChildInfo): void {
    this.endedNames.add(name)
    this.feed.say(`${name} pid ${pid} ended: it was told to`)
    void this.#event('ended', { worker: name, pid })
  }

  died({ name, pid }: ChildInfo, why: string): void {
    this.deaths++
    this.#ready.delete(name)
    const { paint } = this.#invocation.output.lookOfStderr
    this.feed.say(
      paint('red', `${name} pid ${pid} died (${why}); what it held ${fateOf(this.#plan.pattern)}`),
    )
    void this.#event('died', { worker: name, pid, why })
  }

  /** A line about one message: the first twenty, then every hundredth. */
  message(colour: 'red' | 'yellow', line: string): void {
    this.#messageLines++
    if (this.#messageLines > messageLinesMax && this.#messageLines % 100 !== 0) return
    const isLast = this.#messageLines === messageLinesMax
    const more = isLast ? '   (from here on every hundredth is shown)' : ''
    this.feed.say(this.#invocation.output.lookOfStderr.paint(colour, line) + more)
  }

  #event(what: string, fields: Parameters<Invocation['output']['event']>[1]): Promise<void> {
    return this.#invocation.output.event(`${this.#plan.command}.${what}`, fields)
  }
}

/** What becomes of what a worker held that is gone. */
function fateOf(pattern: Pattern): string {
  return isLive(pattern) ? 'is lost' : 'comes again'
}

/** What the last line of a run says of its workers and its time. */
export function endWords({ died, killed, tookMs }: CrewEnd): string[] {
  return [
    ...(died > 0 ? [`workers died ${died}`] : []),
    ...(killed > 0 ? [`killed ${killed}`] : []),
    ...(died + killed > 0 ? ['what those did last may not be counted'] : []),
    `in all ${showDuration(tookMs)}`,
  ]
}

export function endJson({ died, killed, tookMs }: CrewEnd) {
  return { died, killed, duration_ms: Math.round(tookMs) }
}
