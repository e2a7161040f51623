import { NarrowcastError } from '../core/errors.ts'
import type { Drained } from './api.ts'
import type { Conclusions } from './conclusions.ts'
import { withDeadline } from './deadline.ts'
import type { Reader } from './reader.ts'
import type { ReaderHost } from './readerHost.ts'
import type { Slots } from './slots.ts'

/** How long handlers may run, unless the caller says. */
export const drainMsDefault = 10_000
/** The most that aborted handlers get to end. */
export const graceMsMax = 1_000

/** What ends in order. */
export interface Draining<T> {
  readonly host: ReaderHost
  readonly reader: Reader
  readonly conclusions: Conclusions
  readonly slots: Slots<T>
  /** The receiving loop, told to stop already: it gives back what it had not begun. */
  readonly loop: Promise<void>
  /** Handlers may run until it fires. */
  readonly deadline: AbortSignal
  /** What an aborted handler gets to end by itself. */
  readonly abortMs: number
}

/** Lets handlers end, aborts what the deadline finds running, closes the reader. */
export async function drain<T>(draining: Draining<T>): Promise<Drained> {
  const { host, reader, conclusions, slots, loop, deadline } = draining
  const { settled, released } = conclusions
  const isOver = new Promise((resolve) => deadline.addEventListener('abort', resolve))
  await Promise.race([loop, isOver])
  // What cannot be given back in time comes again when the reader is closed.
  await Promise.race([reader.stop(deadline).then((left) => conclusions.release(left, 0)), isOver])
  await slots.whileBusy(deadline)
  abortAll(slots, host.plan.spec.name)
  const graceMs = Math.min(draining.abortMs, graceMsMax)
  const abandoned = await withDeadline(host.clock, graceMs, null, null, async (end) => {
    await slots.whileBusy(end)
    const left = [...slots.units].flatMap((unit) => unit.held)
    for (const held of left) reader.abandon(held)
    await reader.close(end)
    for (const unit of slots.units) unit.pass?.leave()
    return left.length
  })
  return {
    settled: conclusions.settled - settled,
    released: conclusions.released - released,
    abandoned,
  }
}

export function abortAll<T>({ units }: Slots<T>, channel: string): void {
  const reason = drained(channel)
  for (const unit of units) {
    unit.isDrained = true
    unit.abort(reason)
  }
}

export function drained(channel: string): NarrowcastError {
  return new NarrowcastError('CLOSED', `the worker on "${channel}" is being drained`, {
    channel,
    hint: 'It comes again where it is kept. Give a handler more time to end with timeoutMs of drain() or close().',
  })
}
