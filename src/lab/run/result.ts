import type { Contract } from '../../core/contract.ts'
import type { BroadcastJudgement, Judgement } from '../checker/judge.ts'
import type { Verdict } from '../checker/verdict.ts'
import type { DepthSample, Evidence, LabEvent } from '../evidence/evidence.ts'
import type { FaultKind, RunPlan } from '../plan.ts'
import type { RunTerms } from '../termsOf.ts'

/** What one run came to, before anybody writes it down. */
export interface RunResult {
  readonly plan: RunPlan
  /** In force on this broker. */
  readonly contract: Contract
  readonly run: RunTerms
  /** When the load began, in monotonic nanoseconds of this boot. */
  readonly zeroNs: bigint
  readonly evidence: Evidence
  readonly faults: readonly JudgedFault[]
  readonly guardMs: number
  /** Of a broadcast, where there are no groups. */
  readonly judgement: Judgement | BroadcastJudgement
  readonly verdict: Verdict
}

/** Times are since time zero. */
export interface AppliedFault {
  readonly kind: FaultKind
  /** `worker 3` or `the broker` */
  readonly target: string
  readonly plannedMs: number
  readonly appliedMs: number
  /** Null: it was never healed. */
  readonly endedMs: number | null
  /** Messages in the hands of workers that it was done to, by then; null for all others. */
  readonly inHand: number | null
}

export interface JudgedFault extends AppliedFault {
  /** There was something to break. */
  readonly hit: boolean
}

/** Told while a run goes on, for who looks at it. */
export interface Watcher {
  readonly event: (event: LabEvent) => void
  readonly depth: (sample: DepthSample) => void
  readonly phase: (phase: RunPhase) => void
}

export type RunPhase =
  | 'starting'
  | 'probing'
  | 'load'
  /** Somebody has asked for the end: nothing more is sent. */
  | 'halting'
  | 'draining'
  /** Nothing is left: what comes now comes twice, or too late. */
  | 'listening'
  | 'judging'
