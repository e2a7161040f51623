import type { Clock } from '../core/clock.ts'
import type { Session } from '../core/driver.ts'
import type { NarrowcastError } from '../core/errors.ts'
import type { ChannelPlan } from './channelOptions.ts'
import type { Connection } from './connection.ts'
import type { Gate } from './gate.ts'
import type { OpenedChannel } from './openedChannel.ts'
import type { Tracing } from './tracing.ts'

/** What a subscription needs of its channel. */
export interface ReaderHost {
  readonly plan: ChannelPlan
  readonly clock: Clock
  readonly random: () => number
  readonly connection: Connection
  /** One for all subscriptions of the bus. */
  readonly gate: Gate
  /** Null: nobody asked for it. */
  readonly tracing: Tracing | null
  /** The channel on the present session; waits while it is being opened again. */
  open(signal: AbortSignal): Promise<OpenedChannel>
  /** The channel is gone from the broker: the next opening declares it again. */
  forget(session: Session): void
  closedError(): NarrowcastError
  /** The subscription is drained or closed. */
  ended(): void
}
