import type { Clock } from '../core/clock.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import type { Deliveries } from '../runtime/api.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { BatchWork, of } from './batchWork.ts'
import type { Pipeline } from './definePipeline.ts'
import { Intake } from './intake.ts'
import { LiveDeliveries } from './liveDeliveries.ts'
import { type PipelineEvents, RunEvents } from './runEvents.ts'
import type { PipelineRun, RunOptions } from './runPipeline.ts'
import { noStats, type RunStats } from './runStats.ts'
import type { OpenSink, Raw, Sink, Step } from './sink.ts'
import { crashesOf, Stage } from './stage.ts'

export interface RunParts {
  readonly pipeline: Pipeline
  readonly deliveries: Deliveries<string | Uint8Array>
  readonly sink: Sink
  readonly clock: Clock
  readonly onStep: NonNullable<RunOptions['onStep']> | null
}

/** One worker of a pipeline, see PipelineRun. */
export class Run implements PipelineRun {
  readonly #parts: RunParts
  readonly #events = new RunEvents()
  readonly #stats = noStats()
  readonly #intake: Intake
  /** Fires when a drain is over its time, or the run has failed. */
  readonly #aborting = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  #work: Promise<void> = Promise.resolve()
  #sink: OpenSink | null = null
  #ending: Promise<void> | null = null
  #failure: NarrowcastError | null = null
  #isStopped = false
  #undelivered: PipelineEvents['delivered'][number][] = []

  constructor(parts: RunParts) {
    this.#parts = parts
    this.#intake = new Intake(parts.sink.limits, parts.clock)
    this.#closed.promise.catch(() => undefined) // told as an `error` event too
  }

  get pipeline(): string {
    return this.#parts.pipeline.name
  }
  get worker(): string {
    return this.#parts.deliveries.worker.id
  }
  get isReady(): boolean {
    return this.#parts.deliveries.isReady && !this.#isStopped
  }
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  stats(): RunStats {
    return { ...this.#stats, rows: { ...this.#stats.rows } }
  }

  on<E extends keyof PipelineEvents>(
    event: E,
    listener: (what: PipelineEvents[E]) => void,
  ): () => void {
    return this.#events.on(event, listener)
  }

  /** Opens the sink before the first message is worked on. */
  async start(signal: AbortSignal | null): Promise<void> {
    const { deliveries } = this.#parts
    let lost = 0
    this.#events.hold()
    this.#hear((count) => {
      lost += count
    })
    try {
      this.#sink = await this.#openSink()
      void this.#receive() // asking is what subscribes
      await deliveries.ready(signal ?? undefined)
    } catch (error) {
      this.#isStopped = true
      await deliveries.close()
      await this.#sink?.close()
      const why = asNarrowcastError(error, signal?.aborted ? 'ABORTED' : 'INTERNAL')
      throw lost > 0 && deliveries instanceof LiveDeliveries ? withLost(why, lost) : why
    }
    this.#events.begin()
    this.#work = this.#run(this.#sink)
    if (signal?.aborted) void this.drain()
    else signal?.addEventListener('abort', () => void this.drain(), { once: true })
  }

  drain(options: { timeoutMs?: number } = {}): Promise<void> {
    this.#ending ??= this.#end(options.timeoutMs ?? 30_000, 'draining')
    return this.#ending
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain()
  }

  /** `lost`: so many messages will never land, which is told. */
  #hear(lost: (count: number) => void): void {
    const { deliveries } = this.#parts
    deliveries.on('ready', (what) => {
      if (!this.#isStopped) this.#events.emit('ready', what)
    })
    deliveries.on('error', ({ id, error }) => {
      if (id !== null) lost(1)
      this.#events.emit('error', { error })
    })
    deliveries.on('gap', ({ missed, why }) => {
      if (missed !== 'unknown') lost(missed)
      const code = why === 'reconnect' ? 'CONNECTION_LOST' : 'UNAVAILABLE'
      const count = missed === 'unknown' ? 'an unknown number of' : missed
      const text = `${this.worker}: missed ${count} messages (${why}): they are not landed`
      this.#events.emit('error', { error: new NarrowcastError(code, text) })
    })
  }

  #openSink(): Promise<OpenSink> {
    const { sink, pipeline, clock } = this.#parts
    return sink.open({
      pipeline,
      worker: this.worker,
      clock,
      signal: this.#aborting.signal,
      step: (step, ids) => this.#step(step, ids),
      warn: (error) => this.#events.emit('error', { error }),
      fail: (error) => this.#fail(error),
    })
  }

  async #step(step: Step, ids: readonly string[]): Promise<void> {
    await this.#parts.onStep?.(step, { ids, worker: this.worker })
  }

  async #receive(): Promise<void> {
    try {
      for await (const raw of this.#parts.deliveries) {
        if (this.#isStopped) return // close() gives it back
        this.#stats.delivered++
        this.#stats.held++
        this.#tellDelivered(raw)
        this.#intake.add(raw)
      }
      if (this.#isStopped) return
      this.#fail(new NarrowcastError('CLOSED', `${this.worker}: its deliveries were closed`))
    } catch (error) {
      if (!this.#isStopped) this.#fail(asNarrowcastError(error))
    }
  }

  /** One event for all that comes in the same turn. */
  #tellDelivered(raw: Raw): void {
    if (!this.#events.has('delivered')) return
    if (this.#undelivered.length === 0) {
      queueMicrotask(() => this.#events.emit('delivered', this.#undelivered.splice(0)))
    }
    this.#undelivered.push({ ...of(raw), failures: raw.failures, crashes: crashesOf(raw) })
  }

  async #run(opened: OpenSink): Promise<void> {
    const { deliveries, pipeline, clock, sink } = this.#parts
    const work = new BatchWork({
      deliveries,
      sink: opened,
      stage: new Stage(pipeline, sink, clock, this.#aborting.signal),
      limits: sink.limits,
      clock,
      events: this.#events,
      stats: this.#stats,
      signal: this.#aborting.signal,
      step: (step, ids) => this.#step(step, ids),
    })
    while (!this.#aborting.signal.aborted) {
      const batch = await this.#intake.next()
      if (batch.length === 0) return
      try {
        await work.run(batch)
      } catch (error) {
        const ours = asNarrowcastError(error)
        if (ours.code !== 'FENCED') return this.#fail(ours)
        // Our slot was taken over while we stood still: what we held is somebody else's by now.
        this.#events.emit('error', { error: ours })
        await work.release()
      }
    }
  }

  /** Trouble of our own: never a message's fault. All that is not settled goes back, uncharged. */
  #fail(error: NarrowcastError): void {
    this.#failure ??= error
    this.#events.emit('error', { error })
    this.#aborting.abort(error)
    this.#ending ??= this.#end(0, error.message)
  }

  /** What a live pattern has handed over is landed first: nobody else is given it. */
  async #leave(timeoutMs: number): Promise<void> {
    const { clock, deliveries } = this.#parts
    if (!(deliveries instanceof LiveDeliveries)) return
    this.#intake.hurry()
    const over = new AbortController()
    const { signal } = over
    const limit = AbortSignal.any([signal, this.#aborting.signal])
    await Promise.race([deliveries.leave(), clock.sleep(timeoutMs, limit)])
    over.abort()
  }

  async #end(timeoutMs: number, why: string): Promise<void> {
    const { clock, deliveries } = this.#parts
    if (timeoutMs > 0) await this.#leave(timeoutMs)
    this.#isStopped = true
    this.#events.emit('ready', { isReady: false, why })
    this.#intake.stop()
    const over = () => {
      const text = `${this.worker}: not drained within ${timeoutMs} ms`
      this.#aborting.abort(new NarrowcastError('TIMEOUT', text))
    }
    await withDeadline(clock, timeoutMs, this.#aborting.signal, over, () => this.#work)
    const released = this.#intake.waiting
    await deliveries.close()
    this.#stats.released += released
    this.#stats.held -= released
    try {
      await this.#sink?.close()
    } catch (error) {
      this.#failure ??= asNarrowcastError(error)
    }
    if (this.#failure) this.#closed.reject(this.#failure)
    else this.#closed.resolve()
  }
}

/** Nobody listens to a run that has not begun: what it lost is told with why. */
function withLost(why: NarrowcastError, lost: number): NarrowcastError {
  const code = why.code === 'ABORTED' ? 'CLOSED' : why.code
  const hint = why.hint === null ? {} : { hint: why.hint }
  const text = `${why.message}; messages that had come by then and are lost: ${lost}`
  return new NarrowcastError(code, text, { cause: why, ...hint })
}
