import type { ActorId } from '../evidence/evidence.ts'
import type { RunPlan } from '../plan.ts'

/** What a process is told to be, once, before anything else. */
export interface ActorJob {
  readonly id: ActorId
  /** Of the broker. */
  readonly url: string
  readonly plan: RunPlan
  /** Folder of its ledger. */
  readonly ledgers: string
}

/** From the supervisor. A worker is told to end by SIGTERM. */
export type ToActor =
  | { readonly kind: 'job'; readonly job: ActorJob }
  | { readonly kind: 'send'; readonly zeroNs: bigint }

/** To the supervisor: control words, never evidence. */
export type FromActor =
  /** Connected; a worker: subscribed. */
  { readonly kind: 'ready' } | { readonly kind: 'failed'; readonly text: string }
