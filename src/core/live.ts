import type { ChannelSpec, SubscriberSpec, WorkerRef } from './channel.ts'
import type { Count, IncomingMessage, OutgoingMessage } from './message.ts'

/**
 * The live patterns. A message is done when it is handed over: there is nothing to settle, and
 * what its handler does with it is nobody's business here. A broadcast, and a narrowcast for its
 * relay, are published by `Session.publisher`.
 */
export interface Live {
  /**
   * Broadcast: a copy of every message. Narrowcast: what is sent to this very worker. Nothing that
   * was published before is owed. Resolves when the broker has confirmed the subscription.
   *
   * A worker is there once: where its session was lost, the same incarnation takes its place and
   * what waits unread (`resumed`); another incarnation ends the one before, unread messages too.
   * Disposing the source ends the subscription, and drops what waits unread; closing the session
   * leaves it to its lease.
   * @throws CONFLICT when this worker is subscribed on this very session already
   */
  subscribe(
    channel: ChannelSpec,
    subscriber: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<LiveSource>
  /** Narrowcast, this and the rest: who is there now. */
  workers?(channel: ChannelSpec, signal: AbortSignal): Promise<WorkerRef[]>
  /**
   * One outcome per message, in their order. With a `lead` the broker compares its fence in the
   * same step: who was replaced meanwhile sends nothing.
   * @throws PAYLOAD_TOO_LARGE, UNSUPPORTED where one can never be sent; then none of them was
   */
  send?(
    channel: ChannelSpec,
    batch: readonly { readonly to: WorkerRef; readonly message: OutgoingMessage }[],
    lead: Lead | null,
    signal: AbortSignal,
  ): Promise<SendOutcome[]>
  /**
   * Waits until this candidate leads the relays of the channel. It is handed what was published
   * after the grant. Absent where the contract has no row `narrowcast-relay`.
   */
  lead?(
    channel: ChannelSpec,
    candidate: SubscriberSpec,
    on: LiveEvents,
    signal: AbortSignal,
  ): Promise<Lead>
}

/**
 * handed: given to a live connection; no more is known. nobody: certainly not, that worker is
 * gone. fenced: the lead is gone, and nothing was sent. unknown: may have been handed.
 */
export type SendOutcome = 'handed' | 'nobody' | 'fenced' | 'unknown'

export type GapWhy = 'overflow' | 'reconnect'

/** Called synchronously, never after close. */
export interface LiveEvents {
  /** So many messages were missed here. */
  gap(missed: Count, why: GapWhy): void
}

export interface LiveSource extends AsyncDisposable {
  /** What holds, in ms; may be less than wished. */
  readonly leaseMs: number
  /**
   * It goes on where an earlier subscription of this very worker broke off, and nothing between
   * was missed or a gap is told. False for the first one, and where the earlier one had ended:
   * what came since then is missed, and nobody can say how much.
   */
  readonly resumed: boolean
  /**
   * Waits for at least one message, never more than `room`; one may exceed its bytes alone. What
   * it resolves with is done: no other receiver is ever given it. One call at a time. An abort
   * resolves at once with what was taken: it never rejects for it and never drops.
   * @throws NOT_FOUND when the subscription has ended at the broker, FENCED when a lead has
   */
  receive(
    room: { messages: number; bytes: number },
    signal: AbortSignal,
  ): Promise<IncomingMessage[]>
  /** "This subscriber lives." @throws as `receive` */
  renew(signal: AbortSignal): Promise<void>
  /**
   * Nothing more comes in: nobody chooses it, and it is counted as a receiver no more. What waits
   * unread is still received; `receive` resolves with nothing once there is none. A lead leads on
   * until it is disposed. @throws as `receive`
   */
  stop(signal: AbortSignal): Promise<void>
}

/** The one relay that leads. */
export interface Lead extends LiveSource {
  /** Another one for each grant. */
  readonly fence: string
}
