import { isDeepStrictEqual } from 'node:util'
import { biteNames, bitesOf } from '../checker/bites.ts'
import { judge, judgeBroadcast } from '../checker/judge.ts'
import { loadHistory } from '../checker/load.ts'
import { type Bite, notAllThere, notDrained } from '../checker/verdict.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { reportOf } from '../report/build.ts'
import type { Report } from '../report/types.ts'
import { judgedFaults, unhitKinds } from '../run/faultHits.ts'
import type { RunResult } from '../run/result.ts'
import { verdictOn } from '../run/verdictOn.ts'
import { readEvidence } from './evidenceLines.ts'
import { askedBy, askedOf } from './specOfRun.ts'

/** What the ledgers of a run say, beside what its report says. */
export interface Difference {
  /** `groups.0.account.lost.total` */
  readonly what: string
  readonly reported: unknown
  readonly counted: unknown
}

/** What rests on ledgers, events and depths, and on what the report says of the plan. */
const counted = [
  ...['groups', 'broadcast', 'throughput', 'latency', 'instrument', 'checks', 'firsts'],
  ...['faults', 'bites', 'verdict'],
]

/**
 * Counts a run again from its ledgers, and holds its report against what was asked of it. Empty: it
 * says the same.
 * @throws INTERNAL when the evidence cannot be read, or contradicts itself.
 */
export async function recount(folder: string, report: Report): Promise<Difference[]> {
  const evidence = await readEvidence(folder)
  const { terms, instrument, spec, zeroNs } = report
  const isBroadcast = spec.pattern === 'broadcast'
  const judged = (isBroadcast ? judgeBroadcast : judge)(evidence, terms, instrument.guardMs, [])
  const judgement = { ...judged, bites: bitesAgain(report, evidence) }
  const { reasons } = report.verdict
  const faults = judgedFaults(report.faults, evidence.ledgers, BigInt(zeroNs))
  const result: RunResult = {
    plan: {
      run: { name: spec.run, number: 0n },
      ...{ channel: spec.channel, load: spec.load, seed: report.seed, faults: spec.faults },
    },
    ...{ contract: report.contract, run: terms, zeroNs: BigInt(zeroNs), evidence, judgement },
    ...{ faults, guardMs: instrument.guardMs },
    verdict: verdictOn(judgement, {
      ...{ planned: spec.load.messages, isBarrierReached: !reasons.includes(notAllThere) },
      ...{ isDrained: !reasons.includes(notDrained), unhit: unhitKinds(spec.faults, faults) },
    }),
  }
  const again = reportOf(result, {
    ...report,
    ...{ scenario: spec.scenario, title: spec.title, backend: spec.backend },
    ...{ profile: spec.profile, notRun: [] },
    ...{ ledgerMode: instrument.ledgerMode, ceilingPerSecond: instrument.ceilingPerSecond },
    cpuMicrosPerMessage: instrument.cpuMicrosPerMessage,
  })
  const plain = JSON.parse(JSON.stringify(again)) as Record<string, unknown>
  return [
    ...differences('asked', askedBy(report), await askedOf(folder)),
    ...counted.flatMap((part) => differences(part, report[part as keyof Report], plain[part])),
  ]
}

/** As many as the scenario wanted, by the words of the report. */
function bitesAgain({ bites }: Report, evidence: Evidence): Bite[] {
  const any = biteNames.map((is) => ({ is, atLeast: 0 }))
  const seen = bitesOf(any, loadHistory(evidence), evidence)
  return bites.map(({ what, atLeast }) => {
    return { what, atLeast, seen: seen.find((one) => one.what === what)?.seen ?? 0 }
  })
}

function differences(what: string, reported: unknown, again: unknown): Difference[] {
  if (isDeepStrictEqual(reported, again)) return []
  if (!isObject(reported) || !isObject(again)) return [{ what, reported, counted: again }]
  const names = new Set([...Object.keys(reported), ...Object.keys(again)])
  return [...names].flatMap((name) => differences(`${what}.${name}`, reported[name], again[name]))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
