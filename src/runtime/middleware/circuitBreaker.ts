import { NarrowcastError } from '../../core/errors.ts'
import type { Verdict } from '../../core/verdict.ts'
import { callback } from '../callback.ts'
import { onlyKnown, whole, wrongOption } from '../checks.ts'
import type { HandlerRun, Middleware } from '../handlerRun.ts'
import { textOf } from '../thrown.ts'
import { Circuit, type CircuitPlan, type CircuitState, type Pass, type RunEnd } from './circuit.ts'
import { Line } from './line.ts'

const dayMs = 86_400_000

export interface CircuitBreakerOptions {
  /** Opens when so many handlers have failed within `windowMs`. Either this or `failureShare`. */
  readonly failuresMax?: number
  /** Opens when so many of the handlers within `windowMs` have failed: above 0, up to 1. */
  readonly failureShare?: number
  /** With `failureShare`: handlers that must have ended before it is judged. @default 20 */
  readonly runsMin?: number
  /** From 100 ms to a day. @default 60_000 */
  readonly windowMs?: number
  /** How long no handler begins after it has opened, up to a day. @default 30_000 */
  readonly openMs?: number
  /** Handlers that are tried then; it closes when so many have succeeded. @default 1 */
  readonly halfOpen?: number
  /** Told after each change. What it throws or rejects with is told to the process as a warning. */
  readonly onChange?: (state: CircuitState) => void
}

/**
 * Begins no handler for a while when too many have failed, as when what they depend on is down:
 * messages then wait in hand, in their order, and are charged with nothing; see `HandlerRun.wait`.
 * After `openMs` the first of them are tried, and count as ever: one failure opens it again.
 * A handler has failed that throws, asks for a retry or is aborted for its time; `dead` is none,
 * and what a drain or a lost lease ends says nothing. It judges the runs of one subscription, or
 * of those that share this very function.
 * @throws INVALID_ARGUMENT
 */
export function circuitBreaker(options: CircuitBreakerOptions): Middleware<unknown> {
  const circuit = new Circuit(planOf(options))
  const line = new Line()
  return async (delivery, next, run) => {
    const pass = await admitted(circuit, line, run)
    const { signal } = delivery
    // One that hangs is judged when its time is over, and not when it ends.
    signal.addEventListener('abort', () => pass(isOvertime(signal) ? 'failed' : 'void'))
    try {
      const verdict = await next()
      pass(endOf(verdict))
      return verdict
    } catch (error) {
      pass(run.isGivenBack ? 'void' : 'failed')
      throw error
    }
  }
}

async function admitted(circuit: Circuit, line: Line, run: HandlerRun): Promise<Pass> {
  const { clock } = run
  const atOnce = line.isEmpty ? circuit.enter(clock) : null
  if (atOnce) return atOnce
  let giveUp = () => {}
  const enter = async (signal: AbortSignal) => {
    const pass = await circuit.entered(clock, signal)
    giveUp = () => pass('void')
    return pass
  }
  try {
    return await run.wait((signal) => line.enter(signal, () => enter(signal)))
  } catch (error) {
    giveUp() // the pass came in the moment in which the wait was ended
    throw error
  }
}

function endOf(verdict: Verdict | undefined | void): RunEnd {
  return verdict?.kind === 'retry' ? 'failed' : 'succeeded'
}

function isOvertime({ reason }: AbortSignal): boolean {
  return reason instanceof NarrowcastError && reason.code === 'TIMEOUT'
}

function planOf(options: CircuitBreakerOptions): CircuitPlan {
  const names = ['failuresMax', 'failureShare', 'runsMin', 'windowMs', 'openMs', 'halfOpen']
  onlyKnown('circuitBreaker', options, [...names, 'onChange'])
  return {
    opensAt: limitOf(options),
    windowMs: whole('circuitBreaker.windowMs', options.windowMs, 60_000, 100, dayMs),
    openMs: whole('circuitBreaker.openMs', options.openMs, 30_000, 1, dayMs),
    halfOpen: whole('circuitBreaker.halfOpen', options.halfOpen, 1, 1, 1_000),
    onChange: guarded(options.onChange ?? (() => undefined)),
  }
}

function limitOf(options: CircuitBreakerOptions): CircuitPlan['opensAt'] {
  const { failuresMax, failureShare, runsMin } = options
  if ((failuresMax === undefined) === (failureShare === undefined)) {
    const both = JSON.stringify({ failuresMax, failureShare })
    throw wrongOption('circuitBreaker', 'either failuresMax or failureShare', both)
  }
  if (failureShare === undefined) {
    if (runsMin !== undefined) {
      throw wrongOption('circuitBreaker.runsMin', 'nothing beside failuresMax', runsMin)
    }
    const max = whole('circuitBreaker.failuresMax', failuresMax, 0, 1)
    return (_, failures) => failures >= max
  }
  if (!(failureShare > 0 && failureShare <= 1)) {
    throw wrongOption('circuitBreaker.failureShare', 'a number above 0, up to 1', failureShare)
  }
  const min = whole('circuitBreaker.runsMin', runsMin, 20, 1)
  return (runs, failures) => runs >= min && failures >= runs * failureShare
}

/** The listener's own trouble is no failure of the message in hand. */
function guarded(onChange: (state: CircuitState) => void): (state: CircuitState) => void {
  return (state) => {
    callback(
      () => onChange(state),
      (cause) => {
        const text = `onChange of a circuitBreaker threw: ${textOf(cause)}`
        process.emitWarning(text, 'NarrowcastWarning')
      },
    )
  }
}
