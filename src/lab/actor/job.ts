import type { ActorId } from '../evidence/evidence.ts'
import type { RunPlan } from '../plan.ts'
import type { Resumed } from './producer.ts'

/** What a process is told to be, once, before anything else. */
export interface ActorJob {
  readonly id: ActorId
  /** Of a stream, and of its workers alone. */
  readonly group: string | null
  /** Of the broker. */
  readonly url: string
  readonly plan: RunPlan
  /** Folder of its ledger. */
  readonly ledgers: string
}

/** From the supervisor. SIGTERM tells any actor to end what it has begun, and to begin nothing. */
export type ToActor =
  | { readonly kind: 'job'; readonly job: ActorJob }
  | { readonly kind: 'send'; readonly zeroNs: bigint; readonly resumed: Resumed }
  /** At once, and nothing else for so long. */
  | { readonly kind: 'block'; readonly forMs: number }

/** To the supervisor: control words, never evidence. */
export type FromActor =
  /** Connected; a worker: subscribed; a relay: it leads or stands by. */
  | { readonly kind: 'ready' }
  /** A worker: it has handled a probe. */
  | { readonly kind: 'probed' }
  | { readonly kind: 'failed'; readonly text: string }
