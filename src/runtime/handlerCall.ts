import { NarrowcastError } from '../core/errors.ts'
import { isLive } from '../core/message.ts'
import type { Verdict } from '../core/verdict.ts'
import type { BatchHandler, Handler, Received } from './api.ts'
import { wrongOption } from './checks.ts'
import {
  type ChannelFacts,
  type HandlerRun,
  type Middleware,
  type RunHost,
  UnitRun,
} from './handlerRun.ts'
import type { ReceivedMessage } from './receivedMessage.ts'
import type { SubscriptionPlan } from './subscribeOptions.ts'
import { isThenable } from './thenable.ts'
import type { Tracing } from './tracing.ts'
import type { Said, Unit } from './unit.ts'

/** Runs the user's handler on one unit. A promise only where the handler gives one. */
export type Call<T> = (unit: Unit<T>) => Said | Promise<Said>

type Answer = Verdict | undefined | void

export function callOf<T>(
  handler: Handler<T> | BatchHandler<T>,
  plan: SubscriptionPlan,
  host: RunHost,
): Call<T> {
  if (typeof handler !== 'function') throw wrongOption('handler', 'a function', handler)
  const call = plan.batch
    ? batchCall(handler as BatchHandler<T>)
    : singleCall(handler as Handler<T>, plan.middleware as readonly Middleware<T>[], host)
  return host.tracing ? traced(call, plan.batch !== null, host.channel, host.tracing) : call
}

function traced<T>(
  call: Call<T>,
  isBatch: boolean,
  channel: ChannelFacts,
  tracing: Tracing,
): Call<T> {
  return async (unit) => {
    const given = isBatch ? unit.received : (unit.received[0] as ReceivedMessage<T>)
    const processing = tracing.process(channel, given)
    try {
      const verdicts = await processing.run(() => call(unit))
      processing.end(unit.endings({ verdicts }))
      return verdicts
    } catch (error) {
      // On a live pattern nothing is given back: whatever ended it has failed it.
      const failed = { kind: 'failed', error: unit.overrun ?? error } as const
      processing.end(isLive(channel.pattern) ? [failed] : unit.endings({ error }))
      throw error
    }
  }
}

function singleCall<T>(
  handler: Handler<T>,
  middleware: readonly Middleware<T>[],
  host: RunHost,
): Call<T> {
  const last = (one: Received<T>) => handler(one.data, one)
  if (middleware.length === 0) {
    return (unit) => {
      const answer = last(unit.received[0] as ReceivedMessage<T>)
      return isThenable(answer) ? Promise.resolve(answer).then((one) => [one]) : [answer]
    }
  }
  const around = middleware.reduceRight<(one: Received<T>, run: HandlerRun) => Promise<Answer>>(
    (next, layer) => async (one, run) => layer(one, () => next(one, run), run),
    async (one) => last(one),
  )
  return async (unit) => {
    const one = unit.received[0] as ReceivedMessage<T>
    return [await around(one, new UnitRun(host, unit))]
  }
}

function batchCall<T>(handler: BatchHandler<T>): Call<T> {
  return async (unit) => {
    const verdicts = await handler(unit.received, unit.signal)
    if (verdicts === undefined) return []
    if (Array.isArray(verdicts) && verdicts.length === unit.received.length) return verdicts
    const got = Array.isArray(verdicts) ? `${verdicts.length} verdicts` : typeof verdicts
    throw new NarrowcastError(
      'HANDLER_FAILED',
      `the batch handler was given ${unit.received.length} messages and returned ${got}; expected one verdict each, or nothing`,
      {
        hint: 'Return a list as long as the batch, undefined where one is done; or nothing, which acks all.',
      },
    )
  }
}
