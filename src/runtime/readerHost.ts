import type { Clock } from '../core/clock.ts'
import type { Contract } from '../core/contract.ts'
import type { Marks, Session } from '../core/driver.ts'
import type { NarrowcastError } from '../core/errors.ts'
import type { ChannelPlan } from './channelOptions.ts'
import type { Connection } from './connection.ts'

/** What a subscription needs of its channel. */
export interface ReaderHost {
  readonly plan: ChannelPlan
  readonly clock: Clock
  readonly random: () => number
  readonly connection: Connection
  /** Declares the channel and checks its wishes, once per session. */
  prepare(session: Session, signal: AbortSignal): Promise<Contract>
  /** The dedupe store of the present session. */
  marks(group: string | null, signal: AbortSignal): Promise<Marks>
  closedError(): NarrowcastError
  /** The subscription is drained or closed. */
  ended(): void
}
