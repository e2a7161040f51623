import type { Clock } from '../../core/clock.ts'
import type { Contract } from '../../core/contract.ts'
import type { Bus } from '../../runtime/api.ts'
import type { Place } from '../actor/place.ts'
import type { ActorId, LedgerFile } from '../evidence/evidence.ts'

/** Where actors run: in this process on a virtual clock, or each in a process of its own. */
export interface Stage {
  readonly clock: Clock
  /** Monotonic, and the same for all actors. */
  nowNs(): bigint
  /** Resolves when the broker has confirmed its subscription. */
  worker(id: ActorId): Promise<StagedWorker>
  /** Resolves when it is connected. */
  producer(id: ActorId): Promise<StagedProducer>
  /** The supervisor's own connection, and a ledger for what it finds at the end. */
  observer(id: ActorId): Promise<{ readonly bus: Bus; readonly place: Place }>
  /** What holds here of what the broker promises. */
  contract(found: Contract): Contract
  /** Of all that ever ran, once they have ended. */
  ledgers(): Promise<LedgerFile[]>
}

export interface StagedProducer {
  /** Resolves when all was sent and answered, and it has ended. */
  send(zeroNs: bigint): Promise<void>
}

export interface StagedWorker {
  readonly id: ActorId
  /** Resolves when it has ended, whoever ended it; true: well, with code 0. */
  readonly ended: Promise<boolean>
  /** Handlers that have begun and not ended. */
  inHand(): Promise<number>
  /** Resolves when it is dead. */
  kill(): Promise<void>
  /** Lets it drain. Resolves when it has ended. */
  leave(): Promise<void>
}
