import type { WorkerRef } from '../../core/channel.ts'
import type { IncomingMessage } from '../../core/message.ts'
import type { Watched } from '../api.ts'
import type { Strategy } from '../strategies/strategies.ts'

/** What a relay decides on one message, in this order: taken, then routed or rerouted, or no-worker. */
export interface RelayDecision {
  readonly id: string
  /** rerouted: another worker was chosen before, and is gone. */
  readonly kind: 'taken' | 'routed' | 'rerouted' | 'no-worker'
  /** Whom it is sent to now. */
  readonly to?: WorkerRef
}

export interface RelayOptions {
  /** @default random */
  strategy?: Strategy
  /** Without a sign of life for so long another one leads. 300 ms at least. @default 3_000 */
  leaseMs?: number
  /**
   * Where no worker is there: the newest `messages` (100,000 at most) wait in memory for `ms` at
   * most. A worker that comes is given all of them: see its `holdMax`. @default none waits
   */
  hold?: { messages: number; ms: number }
  /** Label of the worker id. @default the bus's */
  name?: string
  /**
   * Awaited before the send, so that a book of it is never behind. One that throws is an `error`;
   * the messages are sent all the same.
   */
  onDecision?: (made: readonly RelayDecision[]) => void | Promise<void>
  /** A message that went to nobody; it is told as an `error` too, and so is one that throws. */
  onNoWorker?: (message: IncomingMessage) => void
}

/** taken = routed + unknown + noWorker + held + dropped, whenever none is on its way. */
export interface RelayCounts {
  readonly taken: number
  /** Given to one live worker; `rerouted` of them after another one was gone. */
  readonly routed: number
  readonly rerouted: number
  /** May have been given to one worker: sent to no other. */
  readonly unknown: number
  /** Nobody was there, or came in time. */
  readonly noWorker: number
  /** Waiting for a worker now. */
  readonly held: number
  /** Given up with the lead, at the end of a close, or because the broker takes it from nobody. */
  readonly dropped: number
}

/**
 * Stands between the publishers of a narrowcast and its workers: reads the channel, and sends each
 * message to one live worker. Several may run: one leads, and is ready; the others stand by, not
 * ready, and take over within the lease. A relay that was replaced without knowing sends nothing.
 */
export interface Relay extends Watched, AsyncDisposable {
  readonly counts: RelayCounts
  /** Of `routed`, by worker id: the 1,000 workers that were given a message last. */
  readonly routedTo: ReadonlyMap<string, number>
  /**
   * Routes what it was given, for 5 s at most and no longer than a bus that is closed has itself;
   * gives up what is left then and what waits for a worker, each told as an `error`; lets another
   * lead at once. No book is waited for after that time, and a broker that does not answer for a
   * second: what it has then is lost uncounted, told as one `error` TIMEOUT.
   */
  close(): Promise<void>
}
