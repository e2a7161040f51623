import type { WorkerRef } from '../../core/channel.ts'
import type { NarrowcastError } from '../../core/errors.ts'
import type { IncomingMessage } from '../../core/message.ts'
import { callback } from '../callback.ts'
import type { Events } from '../events.ts'
import { handlerFailed } from '../handlerFailed.ts'
import { untilAborted } from '../untilAborted.ts'
import type { RelayCounts, RelayDecision } from './relayApi.ts'
import type { RelayPlan } from './relayPlan.ts'

/** Workers come and go for months; what nobody is given any more is forgotten first. */
const workersMax = 1_000

/** The accounts of a relay, and who is told of what it decides. */
export class RelayBooks {
  readonly counts: { -readonly [K in Exclude<keyof RelayCounts, 'held'>]: number } = {
    taken: 0,
    routed: 0,
    rerouted: 0,
    unknown: 0,
    noWorker: 0,
    dropped: 0,
  }
  /** By worker id, those that were given something last at the end. */
  readonly routedTo = new Map<string, number>()
  readonly #channel: string
  readonly #plan: RelayPlan
  readonly #events: Events
  readonly #ending: AbortSignal

  /** Once `ending` fires no book is waited for. */
  constructor(channel: string, plan: RelayPlan, events: Events, ending: AbortSignal) {
    this.#channel = channel
    this.#plan = plan
    this.#events = events
    this.#ending = ending
  }

  /** Resolves when whoever keeps a book of it has written it down, or when the relay ends. */
  async decided(made: readonly RelayDecision[]): Promise<void> {
    if (!this.#plan.onDecision) return
    await untilAborted(this.#write(made), this.#ending).catch(() => undefined)
  }

  async taken(messages: readonly IncomingMessage[]): Promise<void> {
    this.counts.taken += messages.length
    await this.decided(messages.map(({ id }) => ({ id, kind: 'taken' })))
  }

  handed({ id }: WorkerRef, isReroute: boolean): void {
    this.counts.routed++
    if (isReroute) this.counts.rerouted++
    const before = this.routedTo.get(id) ?? 0
    this.routedTo.delete(id)
    this.routedTo.set(id, before + 1)
    const [oldest] = this.routedTo.keys()
    if (this.routedTo.size > workersMax && oldest !== undefined) this.routedTo.delete(oldest)
  }

  async noWorker(messages: readonly IncomingMessage[], error: NarrowcastError): Promise<void> {
    if (messages.length === 0) return
    this.counts.noWorker += messages.length
    const written = this.decided(messages.map(({ id }) => ({ id, kind: 'no-worker' })))
    for (const message of messages) {
      const { id } = message
      callback(
        () => this.#plan.onNoWorker?.(message),
        (cause) => this.#events.emit('error', { id, error: handlerFailed(cause, this.#channel) }),
      )
      this.#events.emit('error', { id, error })
    }
    await written
  }

  lost(
    count: 'unknown' | 'dropped',
    messages: readonly IncomingMessage[],
    error: NarrowcastError,
  ): void {
    this.counts[count] += messages.length
    for (const { id } of messages) this.#events.emit('error', { id, error })
  }

  async #write(made: readonly RelayDecision[]): Promise<void> {
    try {
      await this.#plan.onDecision?.(made)
    } catch (error) {
      this.#events.emit('error', { id: null, error: handlerFailed(error, this.#channel) })
    }
  }
}
