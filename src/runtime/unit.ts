import type { NarrowcastError } from '../core/errors.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Pass } from './gate.ts'
import type { Held } from './held.ts'
import type { Ending } from './policy.ts'
import type { ReceivedMessage } from './receivedMessage.ts'
import { textOf } from './thrown.ts'

/** What a handler said, one per message of its unit. */
export type Said = readonly (Verdict | undefined | void)[]

/** Messages that one call of the handler works on: one, or a batch. */
export class Unit<T> {
  readonly startedMs: number
  readonly received: readonly ReceivedMessage<T>[]
  readonly held: readonly Held[]
  /** Null: it was not marked as begun, and will not run. */
  readonly pass: Pass | null
  /** The handler has ended or was given up. */
  isEnded = false
  onEnded: (() => void) | null = null
  #abort: AbortController | null = null
  #reason: NarrowcastError | null = null
  /** Why every message of it counts as failed, whatever the handler says later. */
  overrun: NarrowcastError | null = null
  isDrained = false
  /** It never got to its handler, and goes back with this delay; null: no. */
  givenBackMs: number | null = null

  constructor(
    held: readonly Held[],
    received: readonly ReceivedMessage<T>[],
    startedMs: number,
    pass: Pass | null,
  ) {
    this.pass = pass
    this.held = held
    this.received = received
    this.startedMs = startedMs
    if (held.length === 1) return
    for (const one of held) one.onLost = () => this.#lostOne()
  }

  /** Of a batch: fires when all of it is lost or aborted. Of one message: that message's own. */
  get signal(): AbortSignal {
    if (this.held.length === 1) return (this.held[0] as Held).signal
    this.#abort ??= new AbortController()
    if (this.#reason) this.#abort.abort(this.#reason)
    return this.#abort.signal
  }

  abort(reason: NarrowcastError): void {
    this.#reason ??= reason
    this.#abort?.abort(this.#reason)
    for (const held of this.held) held.abort(reason)
  }

  #lostOne(): void {
    const reasons = this.held.map(({ abortReason }) => abortReason)
    if (reasons.every((reason) => reason !== null)) this.abort(reasons[0] as NarrowcastError)
  }

  end(): void {
    this.isEnded = true
    this.onEnded?.()
  }

  /** How each message ended, given what the handler said or threw. */
  endings(said: { verdicts: Said } | { error: unknown }): Ending[] {
    return this.held.map((_, n) => {
      if (this.overrun) return { kind: 'failed', error: this.overrun }
      if (this.givenBackMs !== null) return { kind: 'release', delayMs: this.givenBackMs }
      if ('verdicts' in said) return endingOf(said.verdicts[n])
      if (this.isDrained) return { kind: 'release', delayMs: 0 }
      return { kind: 'failed', error: said.error }
    })
  }
}

const ack: Ending = { kind: 'ack' }

/** What a verdict means. Anything that is none counts as a failure, never as an ack. */
export function endingOf(verdict: unknown): Ending {
  if (verdict === undefined) return ack
  const { kind, delayMs, reason } = (verdict ?? {}) as Record<string, unknown>
  if (kind === 'ack') return { kind }
  if (kind === 'dead' && typeof reason === 'string') return { kind, reason }
  if (kind === 'retry' && (delayMs === undefined || isDelay(delayMs))) {
    const error = new Error('the handler asked for a retry')
    error.name = 'Retry'
    delete (error as Partial<Error>).stack
    return { kind: 'failed', error, isAsked: true, ...(delayMs === undefined ? {} : { delayMs }) }
  }
  return {
    kind: 'failed',
    error: new TypeError(`${textOf(verdict)} is not a verdict`),
  }
}

export function isDelay(delayMs: unknown): delayMs is number {
  return Number.isSafeInteger(delayMs) && (delayMs as number) >= 0
}
