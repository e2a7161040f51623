import type { NarrowcastError } from '../core/errors.ts'
import type { Pattern } from '../core/message.ts'

/** One subscription, or one reader of `deliveries()`. */
export interface SubscriptionHealth {
  readonly channel: string
  readonly pattern: Pattern
  readonly group: string | null
  readonly worker: string
  /** The broker has confirmed it, it hears, and a slot is left. */
  readonly isReady: boolean
  /** False: every slot is lost to a handler that does not end. */
  readonly isAlive: boolean
  /** Why it is ready, or is not. */
  readonly why: string
}

/** A channel whose broker refuses what is published there, for now: it is being tried again. */
export interface Refusal {
  readonly channel: string
  readonly pattern: Pattern
  /** In the words of the broker. */
  readonly why: string
  /** How long the oldest such message is still tried. */
  readonly leftMs: number
}

/** How a bus is at this moment. */
export interface Health {
  /** Work gets through: the broker is connected and every subscription is ready. */
  readonly isReady: boolean
  /** False when only a new process helps: the bus is closed, or a subscription has no slot left. */
  readonly isAlive: boolean
  /** Why the broker is away; null while it is connected. */
  readonly trouble: string | null
  readonly subscriptions: readonly SubscriptionHealth[]
  /** What is published and not taken yet. `isReady` does not go by it: reading may well go on. */
  readonly refusals: readonly Refusal[]
}

export function healthOf(
  trouble: NarrowcastError | null,
  isClosed: boolean,
  subscriptions: readonly SubscriptionHealth[],
  refusals: readonly Refusal[],
): Health {
  const isConnected = trouble === null && !isClosed
  return {
    isReady: isConnected && subscriptions.every(({ isReady }) => isReady),
    isAlive: !isClosed && subscriptions.every(({ isAlive }) => isAlive),
    trouble: trouble?.message ?? null,
    subscriptions,
    refusals,
  }
}
