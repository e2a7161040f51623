import type { Clock } from '../core/clock.ts'
import { asNarrowcastError } from '../core/errors.ts'
import type { SettleOutcome } from '../core/message.ts'
import type { Deliveries, DeliveryVerdict, Of } from '../runtime/api.ts'
import type { Ended, RunEvents } from './runEvents.ts'
import type { RunStats } from './runStats.ts'
import type { Answer, Answers, BatchLimits, Landed, OpenSink, Raw, Step } from './sink.ts'
import { Slice } from './slice.ts'
import type { Stage, StageResult } from './stage.ts'

export interface BatchHost {
  readonly deliveries: Pick<Deliveries<string | Uint8Array>, 'begin'>
  readonly sink: OpenSink
  readonly stage: Stage
  readonly limits: BatchLimits
  readonly clock: Clock
  readonly events: RunEvents
  readonly stats: RunStats
  /** Fires when the run must end: no further commit is begun. */
  readonly signal: AbortSignal
  step(step: Step, ids: readonly string[]): Promise<void>
}

/** Messages that are marked as begun together. */
const chunkSize = 1_000
/** Inputs that are checked or loaded at once, where that takes a promise. */
const stagedAtOnce = 32
/** The event loop gets a turn at least this often while messages are transformed. */
const turnMsMax = 10

/** Takes one batch through the steps: recognise, stage, land, settle. */
export class BatchWork {
  readonly #host: BatchHost
  /** Of the batch under way, what the broker has not been told about. */
  readonly #open = new Set<Raw>()

  constructor(host: BatchHost) {
    this.#host = host
  }

  async run(batch: readonly Raw[]): Promise<void> {
    const { sink } = this.#host
    for (const raw of batch) this.#open.add(raw)
    await this.#host.step('filled', idsOf(batch))
    const { fresh, known } = await sink.recognise(batch)
    await this.#answer(known)
    await this.#host.step('recognised', idsOf(batch))
    await this.#land(fresh)
  }

  /** All that is left of the batch goes back to the broker, charged to nobody. */
  async release(): Promise<void> {
    const released = [...this.#open]
    this.#host.stats.released += released.length
    await this.#settle(released, () => ({ verdict: { kind: 'release' }, as: 'released' }))
  }

  /** In as many commits as the limits ask for: rows are not known before they are made. */
  async #land(fresh: readonly Raw[]): Promise<void> {
    const others: { raw: Raw; result: StageResult }[] = []
    let slice = new Slice(this.#host.limits)
    for (let from = 0; from < fresh.length; from += chunkSize) {
      const chunk = fresh.slice(from, from + chunkSize)
      await this.#host.deliveries.begin(chunk.at(-1) as Raw)
      const results = await this.#stage(chunk)
      if (this.#host.signal.aborted) return // all that is open is given back by the run's end
      for (const [n, raw] of chunk.entries()) {
        const result = results[n] as StageResult
        if (result.kind === 'staged') slice.add(result.staged, this.#host.sink)
        else others.push({ raw, result })
        if (!slice.isFull) continue
        await this.#commit(slice)
        slice = new Slice(this.#host.limits)
      }
    }
    await this.#commit(slice)
    await this.#answerOthers(others)
  }

  async #stage(chunk: readonly Raw[]): Promise<StageResult[]> {
    const { stage, clock } = this.#host
    const results: StageResult[] = []
    let turnMs = clock.monotonicMs()
    for (let from = 0; from < chunk.length; from += stagedAtOnce) {
      const few: (StageResult | Promise<StageResult>)[] = []
      const waited: Promise<StageResult>[] = []
      try {
        for (const raw of chunk.slice(from, from + stagedAtOnce)) {
          const result = stage.stage(raw)
          few.push(result)
          if (result instanceof Promise) waited.push(result)
        }
      } finally {
        // All of them have ended before a mistake goes on, and each is heard.
        if (waited.length > 0) await Promise.allSettled(waited)
      }
      for (const result of few) results.push(result instanceof Promise ? await result : result)
      if (clock.monotonicMs() - turnMs < turnMsMax) continue
      await new Promise(setImmediate)
      turnMs = clock.monotonicMs()
    }
    return results
  }

  async #commit(slice: Slice): Promise<void> {
    if (slice.staged.length === 0) return
    const { events, stats } = this.#host
    await this.#host.step('staged', slice.ids)
    const answers = await this.#host.sink.land(slice.staged)
    if (answers.landed) {
      count(stats, answers.landed)
      events.emit('commit', answers.landed)
    }
    await this.#answer(answers)
    await this.#host.step('published', slice.ids)
  }

  /** What the sink says goes to the broker, and what the broker says to the sink. */
  async #answer(said: Answers): Promise<void> {
    if (said.answers.length === 0) return
    const { events } = this.#host
    for (const { raw, refusal } of said.refused) {
      events.emit('dead', { ...of(raw), cause: refusal.cause, error: refusal.error })
    }
    for (const as of ['recognised', 'conflict', 'waiting'] as const) {
      const ids = said.answers.filter((one) => one.as === as).map(({ raw }) => raw.message.id)
      if (ids.length > 0) events.emit('recognised', { ids, as })
    }
    const answers = new Map(said.answers.map((answer) => [answer.raw, answer]))
    const raws = [...answers.keys()]
    const outcomes = await this.#settle(raws, (raw) => answers.get(raw) as Answer)
    await this.#host.step('settled', idsOf(raws))
    await said.settled(outcomes)
  }

  async #answerOthers(others: readonly { raw: Raw; result: StageResult }[]): Promise<void> {
    const { events } = this.#host
    const results = new Map(others.map(({ raw, result }) => [raw, result]))
    const skipped: string[] = []
    for (const { raw, result } of others) {
      if (result.kind === 'skipped') skipped.push(raw.message.id)
      if (result.kind === 'retry') events.emit('retried', { ...of(raw), error: result.error })
    }
    if (skipped.length > 0) events.emit('skipped', { ids: skipped })
    await this.#settle([...results.keys()], (raw) => {
      switch ((results.get(raw) as StageResult).kind) {
        case 'skipped':
          return { verdict: { kind: 'ack' }, as: 'skipped' }
        case 'retry':
          return { verdict: { kind: 'retry' }, as: 'retried' }
        default:
          return { verdict: { kind: 'release' }, as: 'released' }
      }
    })
  }

  /** One outcome each; null where the settlement failed, and the message may come again. */
  async #settle(
    raws: readonly Raw[],
    say: (raw: Raw) => { readonly verdict: DeliveryVerdict; readonly as: Ended },
  ): Promise<(SettleOutcome | null)[]> {
    return Promise.all(
      raws.map(async (raw) => {
        const { verdict, as } = say(raw)
        this.#open.delete(raw)
        try {
          const outcome = await raw.settle(verdict)
          this.#told(raw, as, outcome)
          return outcome
        } catch (error) {
          this.#host.events.emit('error', { error: asNarrowcastError(error) })
          this.#told(raw, as, 'failed')
          return null
        }
      }),
    )
  }

  #told(raw: Raw, as: Ended, outcome: SettleOutcome | 'failed'): void {
    const { stats, events } = this.#host
    stats.held--
    if (outcome === 'late' || outcome === 'failed') {
      stats.late++
      if (outcome === 'late') events.emit('late', of(raw))
    } else stats.settled++
    stats[counted[as]]++
    if (events.has('settled')) events.emit('settled', { ...of(raw), as, outcome })
  }
}

const counted = {
  landed: 'landed',
  recognised: 'recognised',
  conflict: 'conflicts',
  dead: 'dead',
  skipped: 'skipped',
  retried: 'retried',
  released: 'released',
  waiting: 'released',
} as const satisfies Record<Ended, keyof RunStats>

function count(stats: RunStats, landed: Landed): void {
  stats.commits++
  stats.files += landed.files.length
  stats.bytes += landed.bytes
  stats.commitMs = landed.tookMs
  for (const [table, rows] of Object.entries(landed.rows)) {
    stats.rows[table] = (stats.rows[table] ?? 0) + rows
  }
}

function idsOf(batch: readonly Raw[]): string[] {
  return batch.map(({ message }) => message.id)
}

/** Names it in an event. */
export function of(raw: Raw): Of {
  const { message, position } = raw
  return position === undefined ? { id: message.id } : { id: message.id, position }
}
