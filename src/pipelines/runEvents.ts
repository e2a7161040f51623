import { NarrowcastError } from '../core/errors.ts'
import type { SettleOutcome } from '../core/message.ts'
import type { Of } from '../runtime/api.ts'
import { callback } from '../runtime/callback.ts'
import { textOf } from '../runtime/thrown.ts'
import type { Answer, Landed, Refusal } from './sink.ts'

/** What became of a message, by its sink or before one was asked. */
export type Ended = Answer['as'] | 'skipped' | 'retried' | 'released'

export interface PipelineEvents {
  ready: { isReady: boolean; why: string }
  /** Handed over by the broker, not begun yet. */
  delivered: readonly (Of & { readonly failures: number; readonly crashes: number })[]
  /** Files became visible; the messages are settled after this. */
  commit: Landed
  /** Had landed before, and were skipped; of `waiting` the files are not in place yet. */
  recognised: { ids: readonly string[]; as: 'recognised' | 'conflict' | 'waiting' }
  /** Settled without a row: nothing matched, or nothing was emitted. */
  skipped: { ids: readonly string[] }
  /** `load` or `transform` threw; it comes again. */
  retried: Of & { error: NarrowcastError }
  dead: Of & { cause: Refusal['cause']; error: Refusal['error'] }
  /** The broker has answered. */
  settled: Of & { as: Ended; outcome: SettleOutcome | 'failed' }
  /** Ownership was gone before the settlement: harmless, the copy will be recognised. */
  late: Of
  /** Trouble of ours. What ends the run also rejects `closed`. */
  error: { error: NarrowcastError }
}

/** Of what was told before the run had begun, the newest are kept; how many went is told. */
const earlyMax = 1_000

type Listener<E extends keyof PipelineEvents> = (what: PipelineEvents[E]) => void

/** Listeners of one run. One that throws or rejects becomes an `error` event, never a crash of the run. */
export class RunEvents {
  readonly #listeners = new Map<keyof PipelineEvents, Set<Listener<never>>>()
  /** Errors of the time in which nobody could listen yet. */
  #early: PipelineEvents['error'][] | null = null
  #forgotten = 0

  on<E extends keyof PipelineEvents>(event: E, listener: Listener<E>): () => void {
    const set = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, set)
    set.add(listener as Listener<never>)
    return () => set.delete(listener as Listener<never>)
  }

  /** Errors wait for somebody who listens. */
  hold(): void {
    this.#early = []
  }

  /** Whoever has begun the run listens in the next turn: then they are told. */
  begin(): void {
    setImmediate(() => {
      const early = this.#early ?? []
      this.#early = null
      if (this.#forgotten > 0) {
        const text = `${this.#forgotten} errors came before these, while the run began, and are not told one by one`
        this.emit('error', { error: new NarrowcastError('UNAVAILABLE', text) })
      }
      for (const error of early) this.emit('error', error)
    })
  }

  has(event: keyof PipelineEvents): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0
  }

  emit<E extends keyof PipelineEvents>(event: E, what: PipelineEvents[E]): void {
    if (event === 'error' && this.#early) {
      this.#early.push(what as PipelineEvents['error'])
      if (this.#early.length > earlyMax) {
        this.#early.shift()
        this.#forgotten++
      }
      return
    }
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      callback(
        () => (listener as Listener<E>)(what),
        (cause) => this.#failed(event, cause),
      )
    }
  }

  #failed(event: keyof PipelineEvents, cause: unknown): void {
    const text = `a listener of "${event}" threw: ${textOf(cause)}`
    if (event === 'error') process.emitWarning(text, 'NarrowcastWarning')
    else this.emit('error', { error: new NarrowcastError('INTERNAL', text, { cause }) })
  }
}
