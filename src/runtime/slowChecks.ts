import type { Clock } from '../core/clock.ts'
import { NarrowcastError } from '../core/errors.ts'
import type { ChannelPlan } from './channelOptions.ts'
import { withDeadline } from './deadline.ts'
import { abortedError } from './thrown.ts'
import { untilAborted } from './untilAborted.ts'

/**
 * Data whose schema takes its time. It is part of its publish: it ends with the time of that, with
 * its signal, and with the channel.
 */
export class SlowChecks {
  readonly #plan: ChannelPlan
  readonly #clock: Clock
  readonly #underWay = new Set<Promise<void>>()
  readonly #closing = new AbortController()

  constructor(plan: ChannelPlan, clock: Clock) {
    this.#plan = plan
    this.#clock = clock
  }

  /** The same, bounded. @throws TIMEOUT, ABORTED, CLOSED, or what the check throws. */
  bound(check: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const bounded = this.#bound(check, signal).finally(() => this.#underWay.delete(bounded))
    this.#underWay.add(bounded)
    bounded.catch(() => undefined) // heard when its turn comes
    return bounded
  }

  /** Waits for what is under way until the signal fires. */
  async flush(deadline: AbortSignal): Promise<void> {
    const ended = Promise.allSettled([...this.#underWay])
    await untilAborted(ended, deadline).catch(() => undefined) // over is over
  }

  /** The same, and refuses the rest. */
  async close(deadline: AbortSignal, error: NarrowcastError): Promise<void> {
    await this.flush(deadline)
    this.#closing.abort(error)
  }

  async #bound(check: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const closing = this.#closing.signal
    const { publish, spec } = this.#plan
    const what = `publish to "${spec.name}"`
    const details = { channel: spec.name, operation: 'publish', definite: true }
    const late = () => {
      const text = `${what}: the schema did not answer in ${publish.timeoutMs} ms; it was not stored`
      return new NarrowcastError('TIMEOUT', text, details)
    }
    const outer = signal ? AbortSignal.any([signal, closing]) : closing
    await withDeadline(this.#clock, publish.timeoutMs, outer, late, (over) =>
      untilAborted(check, over, () =>
        signal?.aborted ? abortedError(what, signal, details) : over.reason,
      ),
    )
  }
}
