import type { Clock } from '../core/clock.ts'
import { errorCodes, NarrowcastError } from '../core/errors.ts'
import type { PublishOutcome } from '../core/message.ts'
import type { Receipt } from './api.ts'
import type { ChannelPlan } from './channelOptions.ts'
import type { Encoded } from './envelope.ts'
import { abortedError } from './thrown.ts'

/** One message of the outbox and who waits for it. */
export interface Entry extends Encoded {
  readonly deadlineMs: number
  done: (answer: Receipt | NarrowcastError) => void
  /** When it first left and may have been stored; null: it certainly is not. */
  leftMs: number | null
  /** Why the broker last refused it. */
  refusal: Extract<PublishOutcome, { state: 'refused' }> | null
  isGone: boolean
}

/** One send of a batch. */
export interface Sent {
  readonly atMs: number
  /** Our own deadline ended the call: what was refused for it may still have time left. */
  readonly isCut: boolean
  /** The outbox is being closed: nothing is sent again. */
  readonly isLast: boolean
}

/** What the publisher is told of an outcome, and whether the message is sent again instead. */
export class PublishAnswers {
  readonly #plan: ChannelPlan
  readonly #driver: string
  readonly #clock: Clock

  constructor(plan: ChannelPlan, driver: string, clock: Clock) {
    this.#plan = plan
    this.#driver = driver
    this.#clock = clock
  }

  /** @returns null when the message must be sent again. */
  answer(
    entry: Entry,
    outcome: PublishOutcome | undefined,
    sent: Sent,
  ): Receipt | NarrowcastError | null {
    if (outcome?.state === 'stored') {
      const { id } = entry.message
      const { duplicate, position, receivers } = outcome
      if (position === undefined && receivers === undefined) return { id, duplicate }
      return {
        id,
        duplicate,
        ...(position === undefined ? {} : { position }),
        ...(receivers === undefined ? {} : { receivers }),
      }
    }
    const failed = outcome ?? {
      state: 'unknown' as const,
      code: 'INTERNAL' as const,
      message: `${this.#driver} gave no outcome for this message`,
    }
    // Refused at its first send it is certainly not stored; an earlier send may still have been.
    if (failed.state === 'refused' && entry.leftMs === sent.atMs) entry.leftMs = null
    if (failed.state === 'refused') entry.refusal = failed
    if (!entry.isGone && this.#maySendAgain(failed, entry.leftMs, sent)) return null
    return this.#failure(failed.code, failed.message, entry.leftMs === null, failed)
  }

  #maySendAgain(
    failed: PublishOutcome & { state: 'refused' | 'unknown' },
    leftMs: number | null,
    { isCut, isLast }: Sent,
  ): boolean {
    const { retry } = this.#plan.publish
    if (retry === false || isLast) return false
    if (failed.state === 'refused') {
      // Who is there now is known: whether to wait for a worker is the publisher's to say, at once.
      if (failed.code === 'NO_WORKER') return false
      // A channel that was removed is declared again before the next send.
      return isCut || failed.code === 'NOT_FOUND' || errorCodes[failed.code].retryable
    }
    if (retry === 'always') return true
    const windowMs = this.#plan.spec.dedupeWindowMs
    return windowMs !== null && this.#clock.monotonicMs() - (leftMs ?? 0) < windowMs
  }

  #failure(
    code: NarrowcastError['code'],
    why: string,
    definite: boolean,
    { hint, cause }: { readonly hint?: string | null; readonly cause?: unknown } = {},
  ): NarrowcastError {
    const { name } = this.#plan.spec
    const text = `${this.#driver}: publish to "${name}": ${why}${fateOf(definite)}`
    return new NarrowcastError(code, text, {
      definite,
      driver: this.#driver,
      channel: name,
      operation: 'publish',
      ...(hint ? { hint } : {}),
      ...(cause === undefined ? {} : { cause }),
    })
  }

  /** `trouble`: why there is nobody who could answer, if that is known. */
  timeout(definite: boolean, trouble: NarrowcastError | null): NarrowcastError {
    const silence = `no answer in ${this.#plan.publish.timeoutMs} ms`
    if (!trouble) return this.#failure('TIMEOUT', silence, definite)
    const why = `${silence}: ${trouble.message}`
    return this.#failure('TIMEOUT', why, definite, { hint: trouble.hint, cause: trouble })
  }

  /** A broker that kept refusing is named with its reason; silence is a timeout. */
  expired({ refusal, leftMs }: Entry, trouble: NarrowcastError | null): NarrowcastError {
    if (!refusal) return this.timeout(leftMs === null, trouble)
    const why = `${refusal.message} (for ${this.#plan.publish.timeoutMs} ms)`
    return this.#failure(refusal.code, why, leftMs === null, refusal)
  }

  /** The outbox ends: what has left may have been stored all the same. */
  refused({ leftMs }: Entry, error: NarrowcastError): NarrowcastError {
    if (leftMs === null) return error
    return this.#failure(error.code, error.message, false, { hint: error.hint, cause: error })
  }

  aborted({ leftMs }: Entry, signal: AbortSignal): NarrowcastError {
    const { name } = this.#plan.spec
    const where = { driver: this.#driver, channel: name, operation: 'publish' }
    return abortedError(`publish to "${name}"`, signal, { ...where, definite: leftMs === null })
  }
}

function fateOf(definite: boolean): string {
  if (definite) return '; it was not stored'
  return '; it may have been stored, publish again only with the same id'
}

/** The text without what became of that one message: for who tells of many. */
export function withoutFate({ message, definite }: NarrowcastError): string {
  const fate = fateOf(definite)
  return message.endsWith(fate) ? message.slice(0, -fate.length) : message
}
