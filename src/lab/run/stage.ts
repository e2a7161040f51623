import type { Clock } from '../../core/clock.ts'
import type { Contract } from '../../core/contract.ts'
import type { Bus } from '../../runtime/api.ts'
import type { Place } from '../actor/place.ts'
import type { Resumed } from '../actor/producer.ts'
import type { ActorId, LedgerFile, Mended, Span } from '../evidence/evidence.ts'
import type { CpuWatch } from '../instrument/cpuWatch.ts'
import type { ProxyRule } from '../proxy/rule.ts'

/** Where actors run: in this process, or each in a process of its own. */
export interface Stage extends AsyncDisposable {
  readonly clock: Clock
  /** Monotonic, and the same for all actors. */
  nowNs(): bigint
  /** Resolves when the broker has confirmed its subscription. */
  worker(id: ActorId, group: string | null): Promise<StagedWorker>
  /** Resolves when it leads, or stands by. */
  relay(id: ActorId): Promise<StagedActor>
  /** Resolves when it is connected. */
  producer(id: ActorId): Promise<StagedProducer>
  /** The supervisor's own connection. */
  connect(): Promise<Bus>
  /** A ledger for what the supervisor finds at the end. */
  book(id: ActorId, group: string | null): Place
  /** All processes write to one file. */
  readonly isStoreShared: boolean
  /** What holds here of what the broker promises. */
  contract(found: Contract): Contract
  /** Null where none runs besides the actors. */
  readonly broker: StagedBroker | null
  /** Null where nothing lies between the actors and the broker. */
  readonly network: StagedNetwork | null
  /** Null where all share one process. */
  readonly cpu: CpuWatch | null
  /** Of all that ever ran, once they have ended. */
  ledgers(): Promise<LedgerFile[]>
}

/** What lies between each actor, over all its starts, and the broker. */
export interface StagedNetwork {
  set(actor: ActorId, rule: ProxyRule): Promise<Span>
  heal(actor: ActorId): Promise<Span & Mended>
}

/** A broker that is ours to end. Its data and its address stay. */
export interface StagedBroker {
  /** Of the process that runs now, or ran last. */
  readonly pid: number
  /** In order. */
  stop(): Promise<void>
  crash(): Promise<void>
  /** Resolves when it takes commands. */
  start(): Promise<void>
  /** It stands still from now on. */
  freeze(): void
  thaw(): void
}

/** well: with code 0. killed: by SIGKILL. */
export type Ending = 'well' | 'killed' | 'ill'

export interface StagedActor {
  readonly id: ActorId
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<Ending>
  /** Resolves when it is dead. */
  kill(): Promise<void>
  /** Lets it drain. Resolves when it has ended. */
  leave(): Promise<void>
  /** It stands still from now on. */
  freeze(): void
  thaw(): void
  /** Its event loop does nothing else for so long; `thaw` ends it no sooner. */
  block(forMs: number): void
  /** What it has written down so far. */
  ledger(): Promise<LedgerFile>
}

export interface StagedWorker extends StagedActor {
  /** Resolves when it has handled a probe. */
  readonly probed: Promise<void>
}

export interface StagedProducer extends StagedActor {
  /** Resolves when all was sent and answered, and it has ended; or when it was ended. */
  send(zeroNs: bigint, resumed: Resumed): Promise<void>
}
