import type { Contract } from '../../core/contract.ts'
import type { Pattern } from '../../core/message.ts'
import type { GroupAccount } from '../checker/accounting.ts'
import type { BroadcastAccount } from '../checker/broadcastAccounting.ts'
import type { Check } from '../checker/checks.ts'
import type { Epoch } from '../checker/evenness.ts'
import type { DeliveryLatency, PublishLatency } from '../checker/latency.ts'
import type { Order } from '../checker/order.ts'
import type { Recovery } from '../checker/recovery.ts'
import type { Bite, Verdict } from '../checker/verdict.ts'
import type { CpuMicros } from '../instrument/cpuWatch.ts'
import type { Load } from '../load.ts'
import type { ChannelPlan, FaultKind, PlannedFault } from '../plan.ts'
import type { JudgedFault } from '../run/result.ts'
import type { RunTerms } from '../termsOf.ts'

/**
 * What one run leaves behind as `report.json`. Fields are only added. Times are in milliseconds
 * since time zero, when the load begins.
 */
export interface Report {
  readonly v: 1
  readonly type: 'lab.report'
  /** `2026-11-20T12-10-07-worker-kill-redis-stream-queue-s7` */
  readonly runId: string
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly endedAt: string
  readonly tool: {
    readonly version: string
    readonly commit: string | null
    readonly dirty: boolean | null
  }
  readonly seed: number
  /** Time zero in the ledgers: monotonic nanoseconds of that boot, as decimal digits. */
  readonly zeroNs: string
  /** The line that repeats the run. */
  readonly command: string
  readonly machine: Readonly<Record<string, unknown>>
  readonly broker: BrokerReport
  readonly spec: SpecReport
  readonly contract: Contract
  readonly terms: RunTerms
  /** Stricter than promised, as asked. */
  readonly expected: null | 'at-least-once'
  /** Of queue, narrowcast, and each group of a stream; null for a broadcast. */
  readonly groups: readonly GroupReport[] | null
  /** Null for all but a broadcast. */
  readonly broadcast: BroadcastAccount | null
  readonly throughput: Throughput
  readonly latency: PublishLatency
  readonly faults: readonly JudgedFault[]
  readonly instrument: Instrument
  readonly checks: readonly ReportedCheck[]
  readonly bites: readonly Bite[]
  readonly verdict: ReportedVerdict
  /** The first 32 messages that a violated check is about, with all their records. */
  readonly firsts: readonly MessageTrail[]
}

export interface ReportedCheck extends Check {
  /** Whose messages: the group of a stream; null where there is but one. */
  readonly group: string | null
}

export interface ReportedVerdict extends Verdict {
  /** How the broker's own contract fared where something stricter was asked; else null. */
  readonly ofContract: Verdict['status'] | null
  readonly notTested: readonly string[]
  /** Stronger than promised in this run; no guarantee. */
  readonly stronger: readonly string[]
  /** Empty for BROKEN. */
  readonly upperBounds: readonly UpperBound[]
}

/** At most this share of episodes breaks a promise that none was seen to break, with 95 % certainty. */
export interface UpperBound {
  readonly fault: FaultKind
  /** Those that hit something, as far as that can be seen. */
  readonly episodes: number
  readonly share: number
}

/** Everything that was written about one message, by time. */
export interface MessageTrail {
  /** As it was published: `<run>-p02-i00-s0004711` */
  readonly id: string
  readonly key: string
  /** What was not plainly fine about it: `lost`, `done twice` … */
  readonly fates: readonly string[]
  readonly lines: readonly TrailLine[]
}

export interface TrailLine {
  readonly atMs: number
  /** As its ledger is named: `w03.2` is the third start of worker 3; `broker`. */
  readonly who: string
  /** `INVOKE`, `RECV`, `KILL` … */
  readonly what: string
  /** Empty where there is no more to say. */
  readonly detail: string
}

export interface BrokerReport {
  readonly version: string
  /** `on the PATH`, `given`, `embedded` */
  readonly how: string
  /** Without secrets. */
  readonly config: Readonly<Record<string, string>> | null
  readonly configSha256: string | null
}

export interface SpecReport {
  readonly scenario: string
  readonly title: string
  readonly backend: string
  readonly pattern: Pattern
  /** In the ids of its messages. */
  readonly run: string
  readonly profile: string
  readonly load: Load
  readonly channel: ChannelPlan
  readonly faults: readonly PlannedFault[]
}

export interface GroupReport {
  readonly account: GroupAccount
  readonly order: Order
  readonly evenness: readonly ReportedEpoch[]
  readonly latency: DeliveryLatency
  readonly recovery: readonly ReportedRecovery[]
}

export type ReportedEpoch = SinceZero<Epoch>
export type ReportedRecovery = SinceZero<Recovery>

type SinceZero<T> = Omit<T, 'fromNs' | 'toNs'> & { readonly fromMs: number; readonly toMs: number }

/** Messages a second. */
export interface Throughput {
  /** By plan. */
  readonly offered: number
  /** Sent before the time of the plan was over. */
  readonly achieved: number
  /** Done, by all workers together, from the first to the last. */
  readonly delivered: number
  /** Every second since time zero. */
  readonly series: readonly SecondOfRun[]
}

/** What happened in one second. */
export interface SecondOfRun {
  readonly second: number
  /** Acknowledged, whether or not for the first time. */
  readonly published: number
  /** Handlers that were done. */
  readonly done: number
  /** In the broker, at the end of it; null where it does not tell, or was not asked. */
  readonly backlog: number | null
}

export interface Instrument {
  readonly ledgerMode: 'exact' | 'batched'
  /** The most that the lab itself can do on this machine, messages a second; null: not measured. */
  readonly ceilingPerSecond: number | null
  /** More than half of that was offered: the lab may be what is slow. */
  readonly isHarnessBound: boolean | null
  /** The load was not what was planned: times describe the backlog, not the broker. */
  readonly isSaturated: boolean
  readonly guardMs: number
  /** Microseconds of processor time, by who used them; empty where nobody can tell. */
  readonly cpuMicrosPerMessage: CpuMicros
  /** Ledgers that end inside a record. */
  readonly tornTails: number
  readonly disagreements: readonly string[]
}
