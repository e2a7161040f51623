import { NarrowcastError } from '../core/errors.ts'
import { textOf } from './thrown.ts'

/** What is told of a handler that threw: its own error if it is ours, else wrapped once. `hint`: what is left to do. */
export function handlerFailed(thrown: unknown, channel: string, hint?: string): NarrowcastError {
  if (thrown instanceof NarrowcastError) return thrown
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : textOf(thrown)
  return new NarrowcastError('HANDLER_FAILED', `the handler on "${channel}" failed: ${text}`, {
    channel,
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  })
}
