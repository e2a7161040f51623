import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Clock } from '../core/clock.ts'
import { asNarrowcastError, NarrowcastError } from '../core/errors.ts'
import { withDeadline } from '../runtime/deadline.ts'
import { judge } from '../runtime/envelope.ts'
import type { Match, Pipeline, TransformContext } from './definePipeline.ts'
import type { Table } from './defineTable.ts'
import { type CheckedRow, rowCheck } from './schema/rowCheck.ts'
import type { Raw, Refusal, Staged, StagedRow } from './sink.ts'

/** What became of one message before anything is written. */
export type StageResult =
  | { readonly kind: 'staged'; readonly staged: Staged }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'retry'; readonly error: NarrowcastError }
  /** The run ended while its `load` was under way: nobody's fault. */
  | { readonly kind: 'released' }

export interface StageLimits {
  readonly attempts: number
  readonly deliveriesMax: number
}

const skipped: StageResult = { kind: 'skipped' }

/**
 * Turns one message after the other into rows. Rows are staged per message: what fails in its
 * second table leaves nothing in its first. Never throws for a message; what it throws is a
 * mistake of the pipeline itself.
 */
export class Stage {
  readonly #pipeline: Pipeline
  readonly #limits: StageLimits
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #tables = new Map<Table, { at: number; check: (row: unknown) => CheckedRow }>()

  constructor(pipeline: Pipeline, limits: StageLimits, clock: Clock, signal: AbortSignal) {
    this.#pipeline = pipeline
    this.#limits = limits
    this.#clock = clock
    this.#signal = signal
    for (const [at, table] of pipeline.tables.entries()) {
      this.#tables.set(table, { at, check: rowCheck(table) })
    }
  }

  /** @returns a promise only where `input` or `load` does. */
  stage(raw: Raw): StageResult | Promise<StageResult> {
    if (crashesOf(raw) >= this.#limits.deliveriesMax) {
      const message = `${crashesOf(raw)} workers ended with it in hand`
      return dead(raw, { cause: 'crashes', error: fault('Crashes', message), schema: null })
    }
    let data: unknown
    try {
      data = parse(raw.data)
    } catch (error) {
      const { name, message } = error as Error
      return dead(raw, { cause: 'invalid', error: fault(name, message), schema: null })
    }
    const { match, input } = this.#pipeline
    if (match && !matches(data, match)) return skipped
    return input ? this.#check(raw, input, data) : this.#load(raw, data)
  }

  #check(raw: Raw, input: StandardSchemaV1, data: unknown): StageResult | Promise<StageResult> {
    const conclude = (said: Awaited<ReturnType<typeof judge>>) =>
      'fault' in said
        ? dead(raw, { cause: 'invalid', error: fault('Invalid', said.fault), schema: 'input' })
        : this.#load(raw, said.value)
    let judged: ReturnType<typeof judge>
    try {
      judged = judge(input, data)
    } catch (error) {
      return this.#threw(raw, error)
    }
    if (!(judged instanceof Promise)) return conclude(judged)
    return judged.then(conclude, (error: unknown) => this.#threw(raw, error))
  }

  #load(raw: Raw, data: unknown): StageResult | Promise<StageResult> {
    const { load } = this.#pipeline
    if (!load) return this.#transform(raw, data, undefined)
    return this.#loaded(raw, data, load)
  }

  async #loaded(
    raw: Raw,
    data: unknown,
    load: NonNullable<Pipeline['load']>,
  ): Promise<StageResult> {
    const reasons: string[] = []
    const dead = (reason: string) => reasons.push(String(reason))
    let value: unknown
    try {
      value = await withDeadline(
        this.#clock,
        this.#pipeline.loadMsMax,
        AbortSignal.any([raw.signal, this.#signal]),
        () => this.#overdue(),
        // What ignores its signal is not waited for, and its answer is not used.
        (signal) =>
          Promise.race([load(data, { signal, dead, message: raw.message }), rejection(signal)]),
      )
    } catch (error) {
      return this.#signal.aborted ? { kind: 'released' } : this.#threw(raw, error)
    }
    const [reason] = reasons
    return reason === undefined ? this.#transform(raw, data, value) : buried(raw, reason)
  }

  #transform(raw: Raw, data: unknown, loaded: unknown): StageResult {
    const rows: StagedRow[] = []
    const found = { refusal: null as Refusal | null, mistake: null as unknown }
    let isOpen = true
    const context: TransformContext = {
      loaded,
      message: raw.message,
      dead: (reason) => {
        found.refusal ??= { cause: 'verdict', error: fault('Dead', String(reason)), schema: null }
      },
      emit: (table, row) => {
        if (!isOpen) throw this.#mistake('emit was called after transform had returned')
        const known = this.#tables.get(table)
        if (!known) {
          found.mistake = this.#mistake(`emit to ${table?.name}, which is not among its tables`)
          throw found.mistake
        }
        const checked = this.#checked(known.check, row, (error) => {
          found.mistake = error
        })
        if ('row' in checked) rows.push({ table: known.at, row: checked.row })
        else {
          const { message, path } = checked.fault
          found.refusal ??= {
            cause: 'invalid',
            error: fault('Invalid', message, path),
            schema: table.name,
          }
        }
      },
    }
    try {
      const result = this.#pipeline.transform(data, context)
      if (result instanceof Promise) {
        result.catch(() => undefined)
        found.mistake = this.#mistake(
          'transform returned a promise; it must be synchronous, see load',
        )
      }
    } catch (error) {
      if (found.mistake === null) return this.#threw(raw, error)
    }
    isOpen = false
    if (found.mistake !== null) throw found.mistake
    if (found.refusal) return dead(raw, found.refusal)
    return rows.length === 0 ? skipped : { kind: 'staged', staged: { raw, rows, refusal: null } }
  }

  /** A schema that validates asynchronously is a mistake of the pipeline, not of the message. */
  #checked(
    check: (row: unknown) => CheckedRow,
    row: unknown,
    onMistake: (error: unknown) => void,
  ): CheckedRow {
    try {
      return check(row)
    } catch (error) {
      if (error instanceof NarrowcastError && error.code === 'INVALID_ARGUMENT') onMistake(error)
      throw error
    }
  }

  /** Tried again until the attempts are used up, then a dead letter. */
  #threw(raw: Raw, error: unknown): StageResult {
    const ours = asNarrowcastError(error)
    if (raw.failures + 1 < this.#limits.attempts) return { kind: 'retry', error: ours }
    const { name, message } =
      error instanceof Error ? error : { name: 'Error', message: String(error) }
    return dead(raw, { cause: 'failures', error: fault(name, message), schema: null })
  }

  #overdue(): NarrowcastError {
    const { name, loadMsMax } = this.#pipeline
    return new NarrowcastError('TIMEOUT', `pipeline "${name}": load took over ${loadMsMax} ms`)
  }

  #mistake(text: string): NarrowcastError {
    return new NarrowcastError('INVALID_ARGUMENT', `pipeline "${this.#pipeline.name}": ${text}`)
  }
}

/** Owners that ended with it in hand; where nobody counts them they limit nothing. */
export function crashesOf(raw: Raw): number {
  return raw.crashes === 'unknown' ? 0 : raw.crashes
}

function dead(raw: Raw, refusal: Refusal): StageResult {
  return { kind: 'staged', staged: { raw, rows: [], refusal } }
}

function buried(raw: Raw, reason: string): StageResult {
  return dead(raw, { cause: 'verdict', error: fault('Dead', String(reason)), schema: null })
}

/** Rejects with the signal's reason. */
function rejection(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  if (signal.aborted) reject(signal.reason)
  else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  return promise
}

function fault(name: string, message: string, path = ''): Refusal['error'] {
  return { name, message, path }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(raw: string | Uint8Array): unknown {
  return JSON.parse(typeof raw === 'string' ? raw : utf8.decode(raw))
}

function matches(data: unknown, match: Match): boolean {
  if (typeof match !== 'object' || match === null) return data === match
  if (typeof data !== 'object' || data === null) return false
  return Object.entries(match).every(
    ([field, wanted]) =>
      Object.hasOwn(data, field) && matches((data as Record<string, unknown>)[field], wanted),
  )
}
