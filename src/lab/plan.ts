import type { Pattern } from '../core/message.ts'
import type { Load } from './load.ts'
import type { ProxyRule } from './proxy/rule.ts'
import type { TwinName } from './twin/twins.ts'

/** What one run does, on whatever stage. Data, so that it can be sent to other processes. */
export interface RunPlan {
  /** In ids of messages, and in their data. */
  readonly run: { readonly name: string; readonly number: bigint }
  readonly channel: ChannelPlan
  readonly load: Load
  readonly seed: number
  /** Workers acknowledge what they take before they handle it, as a plain pop does. */
  readonly isNaive?: boolean
  /** Producers and workers are of the broker's own client, without narrowcast. */
  readonly twin?: TwinName
  /** By their time. */
  readonly faults: readonly PlannedFault[]
}

/** A channel of the lab's own. */
export interface ChannelPlan {
  readonly name: string
  readonly pattern: Pattern
  /** Narrowcast alone asks it. */
  readonly via: 'direct' | 'relay'
  readonly leaseMs: number
  readonly attempts: number
  readonly deliveriesMax: number
  /** Null: publishing an id again stores it again. */
  readonly dedupeWindowMs: number | null
  readonly order: 'none' | 'key'
}

/**
 * busiest: the worker with the most messages in hand; where all are idle for long, any. workers,
 * producers: every one. relay: the one that leads.
 */
export type FaultTarget = 'busiest' | 'workers' | 'producers' | 'relay'

/**
 * What is done to the actors or to the broker, so long after time zero. `pauseMs`: and not before so
 * long after the one before it in the list was healed.
 */
export type PlannedFault = FaultPlan & { readonly pauseMs?: number }

type FaultPlan =
  | {
      readonly kind: 'kill'
      readonly target: FaultTarget
      readonly atMs: number
      readonly restartAfterMs: number
    }
  /** stop: SIGSTOP, and SIGCONT after that time. block: its event loop does nothing else for so long. */
  | {
      readonly kind: 'stop' | 'block'
      readonly target: FaultTarget
      readonly atMs: number
      readonly forMs: number
    }
  /** The proxy between these actors and the broker follows that rule for so long. */
  | {
      readonly kind: 'network'
      readonly rule: ProxyRule
      readonly target: FaultTarget
      readonly atMs: number
      readonly forMs: number
    }
  /** One is told to drain, in turn, and starts anew after that time. */
  | { readonly kind: 'leave'; readonly atMs: number; readonly restartAfterMs: number }
  /**
   * The broker ends in order, or dies, and comes back with the same data after that time; or it stands
   * still for so long.
   */
  | {
      readonly kind: 'broker-stop' | 'broker-crash' | 'broker-freeze'
      readonly atMs: number
      readonly forMs: number
    }

export type FaultKind = PlannedFault['kind']

/** From when it is applied until it is healed. */
export function lengthMs(fault: PlannedFault): number {
  return fault.kind === 'kill' || fault.kind === 'leave' ? fault.restartAfterMs : fault.forMs
}
