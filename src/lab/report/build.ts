import type { BroadcastJudgement, GroupJudgement, Judgement } from '../checker/judge.ts'
import { isSaturated } from '../checker/latency.ts'
import type { LedgerMode } from '../evidence/ledger.ts'
import { recordBytes } from '../evidence/record.ts'
import type { CpuMicros } from '../instrument/cpuWatch.ts'
import { isHarnessBound } from '../instrument/harnessBound.ts'
import type { RunResult } from '../run/result.ts'
import { checksAsked, checksOfRun, verdictAsked } from './asked.ts'
import { notTestedBy, upperBoundsOf } from './faultFacts.ts'
import { firstsOf } from './firsts.ts'
import { readHistory } from './readHistory.ts'
import { strongerThan } from './stronger.ts'
import { throughputOf } from './throughput.ts'
import type {
  BrokerReport,
  GroupReport,
  Instrument,
  Report,
  SpecReport,
  Throughput,
} from './types.ts'

/** What a report says that no evidence knows. */
export interface About
  extends Pick<Report, 'runId' | 'startedAt' | 'endedAt' | 'tool' | 'command' | 'machine'>,
    Pick<SpecReport, 'scenario' | 'title' | 'backend' | 'profile'> {
  readonly broker: BrokerReport
  readonly expected: Report['expected']
  readonly ledgerMode: LedgerMode
  /** Messages a second that the lab itself can do here; null: not measured. */
  readonly ceilingPerSecond: number | null
  readonly cpuMicrosPerMessage: CpuMicros
  /** Faults that cannot be had here, each with its reason. */
  readonly notRun: readonly string[]
}

/** @throws INTERNAL when the evidence contradicts itself. */
export function reportOf(result: RunResult, about: About): Report {
  const { plan, contract, run, zeroNs, evidence, faults, judgement } = result
  const { pattern } = plan.channel
  const isBroadcast = pattern === 'broadcast'
  const loaded = readHistory(evidence, isBroadcast)
  const throughput = throughputOf(loaded.history, evidence, zeroNs)
  const checks = about.expected === null ? checksOfRun(judgement) : checksAsked(judgement, run)
  const verdict = about.expected === null ? result.verdict : verdictAsked(checks, result.verdict)
  const source = { evidence, zeroNs, run: plan.run.name, isBroadcast }
  const { runId, startedAt, endedAt, tool, command, machine, broker, expected } = about
  const { scenario, title, backend, profile } = about
  return {
    ...{ v: 1, type: 'lab.report', runId, startedAt, endedAt, tool },
    ...{ seed: plan.seed, zeroNs: String(zeroNs), command, machine, broker },
    spec: {
      ...{ scenario, title, backend, pattern, run: plan.run.name, profile },
      ...{ load: plan.load, channel: plan.channel, faults: plan.faults },
    },
    ...{ contract, terms: run, expected },
    groups: groupsOf(judgement, zeroNs),
    broadcast: 'groups' in judgement ? null : judgement.account,
    throughput,
    latency: judgement.publishLatency,
    faults,
    instrument: instrumentOf(result, about, throughput),
    checks,
    bites: judgement.bites,
    verdict: {
      ...verdict,
      ofContract: expected === null ? null : result.verdict.status,
      notTested: notTestedBy(plan.faults, faults, about.notRun),
      stronger: strongerThan(run, 'groups' in judgement ? judgement.groups : [], faults),
      upperBounds: upperBoundsOf(verdict.status, faults),
    },
    firsts: firstsOf(checks, judgement, loaded, source),
  }
}

function groupsOf(
  judgement: Judgement | BroadcastJudgement,
  zeroNs: bigint,
): readonly GroupReport[] | null {
  if (!('groups' in judgement)) return null
  const shiftNs = Number(judgement.baseNs - zeroNs)
  return judgement.groups.map((group) => groupOf(group, (ns) => (ns + shiftNs) / 1e6))
}

function groupOf(group: GroupJudgement, sinceZeroMs: (ns: number) => number): GroupReport {
  const { account, order, evenness, recovery, deliveryLatency } = group
  const sinceZero = <T extends { readonly fromNs: number; readonly toNs: number }>(one: T) => {
    const { fromNs, toNs, ...rest } = one
    return { ...rest, fromMs: sinceZeroMs(fromNs), toMs: sinceZeroMs(toNs) }
  }
  return {
    ...{ account, order, latency: deliveryLatency },
    evenness: evenness.map(sinceZero),
    recovery: recovery.map(sinceZero),
  }
}

function instrumentOf(
  { guardMs, evidence, judgement }: RunResult,
  { ledgerMode, ceilingPerSecond, cpuMicrosPerMessage }: About,
  throughput: Throughput,
): Instrument {
  const torn = evidence.ledgers.filter(({ bytes }) => bytes.byteLength % recordBytes !== 0)
  return {
    ledgerMode,
    ceilingPerSecond,
    isHarnessBound:
      ceilingPerSecond === null ? null : isHarnessBound(throughput.offered, ceilingPerSecond),
    isSaturated: isSaturated(throughput, judgement.publishLatency.scheduleDelay),
    guardMs,
    cpuMicrosPerMessage,
    tornTails: torn.length,
    disagreements: 'disagreements' in judgement ? judgement.disagreements : [],
  }
}
