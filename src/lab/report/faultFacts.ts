import { upperBound } from '../certainty.ts'
import type { Verdict } from '../checker/verdict.ts'
import type { FaultKind, PlannedFault } from '../plan.ts'
import type { JudgedFault } from '../run/result.ts'
import { countOf } from './amounts.ts'
import type { UpperBound } from './types.ts'

const neverTested: readonly string[] = ['power loss', 'several hosts', 'clock skew']

/** What nobody may take this run for a test of. `notRun`: faults that cannot be had here, and why. */
export function notTestedBy(
  planned: readonly PlannedFault[],
  applied: readonly JudgedFault[],
  notRun: readonly string[],
): string[] {
  const missing = kindsOf(planned).flatMap((kind) => {
    const wanted = planned.filter((one) => one.kind === kind).length
    const left = wanted - hitsOf(kind, applied)
    return left > 0 ? [`${left} of ${countOf(wanted, kind)}`] : []
  })
  return [...neverTested, ...notRun, ...missing]
}

/** A fault that hits all workers at once is one episode. What hit nothing has tested nothing. */
export function upperBoundsOf(
  status: Verdict['status'],
  applied: readonly JudgedFault[],
): UpperBound[] {
  if (status === 'BROKEN') return []
  return kindsOf(applied).flatMap((fault) => {
    const episodes = hitsOf(fault, applied)
    return episodes === 0 ? [] : [{ fault, episodes, share: upperBound(episodes) }]
  })
}

function hitsOf(kind: FaultKind, applied: readonly JudgedFault[]): number {
  return episodesOf(kind, applied).filter((all) => all.some(({ hit }) => hit)).length
}

export function episodesOf(
  kind: FaultKind,
  applied: readonly JudgedFault[],
): readonly JudgedFault[][] {
  const ofKind = applied.filter((one) => one.kind === kind)
  return [...Map.groupBy(ofKind, ({ plannedMs }) => plannedMs).values()]
}

function kindsOf(faults: readonly { readonly kind: FaultKind }[]): FaultKind[] {
  return [...new Set(faults.map(({ kind }) => kind))]
}
