import type { NarrowcastError } from '../core/errors.ts'
import type { DeadLetter, ErrorInfo, Settlement } from '../core/message.ts'
import { backoffMs } from './backoff.ts'
import type { ChannelPlan } from './channelOptions.ts'
import type { Held } from './held.ts'
import { textOf } from './thrown.ts'

/** How the work on one message ended. */
export type Ending =
  | { readonly kind: 'ack' }
  /** Counts as a failure: a throw, a handler past its time, or (`isAsked`) a `retry` verdict. */
  | {
      readonly kind: 'failed'
      readonly error: unknown
      readonly isAsked?: true
      readonly delayMs?: number
    }
  | { readonly kind: 'dead'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** It took too many owners down. */
  | { readonly kind: 'crashed' }
  /** Nobody's fault. */
  | { readonly kind: 'release'; readonly delayMs: number }

export interface PolicyHost {
  readonly plan: ChannelPlan
  /** Total tries. */
  readonly attempts: number
  readonly group: string | null
  readonly worker: string
  readonly wallMs: () => number
  readonly random: () => number
}

/** What becomes of a message: pure in what it is given, so that asking changes nothing. */
export function settlementOf(held: Held, ending: Ending, host: PolicyHost): Settlement {
  const { token, failures } = held.delivery
  switch (ending.kind) {
    case 'ack': {
      const keepMs = host.plan.consumeWindowMs
      if (keepMs === null) return { token, kind: 'ack' }
      return { token, kind: 'ack', remember: { id: markId(held), keepMs } }
    }
    case 'release':
      return { token, kind: 'release', delayMs: ending.delayMs }
    case 'failed': {
      const error = errorInfo(ending.error, host)
      if (failures + 1 >= host.attempts) {
        const reason = `${error.name}: ${error.message}`
        return deadLetter(held, host, { cause: 'failures', reason, error, failures: failures + 1 })
      }
      const delayMs = ending.delayMs ?? backoffMs(failures, host.plan.backoff, host.random)
      return { token, kind: 'retry', delayMs, failures: failures + 1, error }
    }
    case 'dead':
      return deadLetter(held, host, {
        cause: 'verdict',
        reason: ending.reason,
        error: null,
        failures,
      })
    case 'invalid':
      return deadLetter(held, host, {
        cause: 'invalid',
        reason: ending.reason,
        error: null,
        failures,
      })
    case 'crashed':
      return deadLetter(held, host, {
        cause: 'crashes',
        reason: `${held.crashes} workers ended with this message in hand`,
        error: null,
        failures,
      })
  }
}

/** Has it taken down as many workers as it may? */
export function hasCrashedOut(held: Held, plan: ChannelPlan): boolean {
  return held.crashes >= plan.deliveriesMax
}

const isolatedFrom = 10

/**
 * Of messages that are charged from their take on. It costs some journeys to the broker, and most that
 * come back do so since a connection was lost: only what does so again and again is worth them.
 */
export function isToBeIsolated(held: Held, { deliveriesMax }: ChannelPlan): boolean {
  return held.crashes >= Math.min(isolatedFrom, Math.floor(deliveriesMax / 2))
}

/** The id under which consume-dedupe knows a message: a redrive is another one. */
export function markId(held: Held): string {
  const { redrives } = held.delivery
  return redrives === 0 ? held.id : `${held.id}~${redrives}`
}

function deadLetter(
  held: Held,
  host: PolicyHost,
  why: Pick<DeadLetter, 'cause' | 'reason' | 'error' | 'failures'>,
): Settlement {
  const { token, crashes, redrives, past } = held.delivery
  const diedMs = host.wallMs()
  const letter: DeadLetter = {
    ...why,
    error: why.error ?? past?.last ?? null,
    crashes,
    redrives,
    firstFailedMs: past?.firstFailedMs ?? (why.cause === 'failures' ? diedMs : null),
    diedMs,
    channel: host.plan.spec.name,
    group: host.group,
    worker: host.worker,
  }
  return { token, kind: 'dead', letter }
}

const stackCharactersMax = 4_000

function errorInfo(thrown: unknown, host: PolicyHost): ErrorInfo {
  const at = { worker: host.worker, atMs: host.wallMs() }
  if (!(thrown instanceof Error)) return { name: 'Error', message: textOf(thrown), ...at }
  const { name, message, stack } = thrown
  const code = (thrown as Partial<NarrowcastError>).code
  return {
    name: textOf(name),
    message: textOf(message),
    ...(name === 'NarrowcastError' && code ? { code } : {}),
    ...(stack ? { stack: textOf(stack).slice(0, stackCharactersMax) } : {}),
    ...at,
  }
}
